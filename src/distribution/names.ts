import { HawserError } from '../errors/hawser-error.ts';

declare const repositoryNameBrand: unique symbol;
declare const tagBrand: unique symbol;

/** `<name>` of distribution-spec 1.1 section "Pulling manifests"; only from `parseRepositoryName`. */
export type RepositoryName = string & { readonly [repositoryNameBrand]: true };

/** `<reference>` as a tag; only from `parseTag`. */
export type Tag = string & { readonly [tagBrand]: true };

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const namePattern = new RegExp(`^${component}(?:/${component})*$`);
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const nameLimit = 255;

export function isRepositoryName(text: string): text is RepositoryName {
  return text.length <= nameLimit && namePattern.test(text);
}

/** @throws HawserError NAME_INVALID */
export function parseRepositoryName(text: string): RepositoryName {
  if (isRepositoryName(text)) return text;
  const shown = text.slice(0, 300);
  throw new HawserError('NAME_INVALID', `invalid repository name ${JSON.stringify(shown)}`, {
    remedy: `Use up to ${nameLimit} of a-z 0-9 . _ - and / between components.`,
    detail: { name: shown },
  });
}

export function isTag(text: string): text is Tag {
  return tagPattern.test(text);
}

/** @throws HawserError TAG_INVALID */
export function parseTag(text: string): Tag {
  if (isTag(text)) return text;
  throw new HawserError('TAG_INVALID', `invalid tag ${JSON.stringify(text.slice(0, 200))}`, {
    detail: { tag: text.slice(0, 200) },
  });
}
