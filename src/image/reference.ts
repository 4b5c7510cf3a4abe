import { HawserError } from '../errors/hawser-error.ts';
import { type Digest, isDigest } from './digest.ts';

/** A normalised image reference; distribution/reference grammar, with Docker's defaults for domain and path. */
export interface Reference {
  /** Host, with a port where one is given; `docker.io` where none is. */
  readonly domain: string;
  /** Repository below the domain; `library/nginx` for `nginx`. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const defaultDomain = 'docker.io';
const officialNamespace = 'library/';
const nameLimit = 255;

const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const domainPattern = new RegExp(`^(?:${label}(?:\\.${label})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const pathPattern = new RegExp(`^${component}(?:/${component})*$`);
const tagPattern = /^[\w][\w.-]{0,127}$/;

function invalid(text: string, why: string, remedy?: string): HawserError {
  return new HawserError(
    'REFERENCE_INVALID',
    `invalid image reference ${JSON.stringify(text.slice(0, 300))}: ${why}`,
    { remedy },
  );
}

/** Whether the first component of a name is a host: it has a dot or a colon, or is localhost, or is not lower case. */
function isDomain(first: string): boolean {
  return /[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first;
}

function splitDomain(name: string): { domain: string; path: string } {
  const slash = name.indexOf('/');
  const first = name.slice(0, slash);
  if (slash < 0 || !isDomain(first)) return { domain: defaultDomain, path: name };
  return { domain: first === 'index.docker.io' ? defaultDomain : first, path: name.slice(slash + 1) };
}

function checkName(text: string, domain: string, path: string): void {
  if (!domainPattern.test(domain)) throw invalid(text, `${JSON.stringify(domain)} is not a host`);
  if (!pathPattern.test(path)) {
    if (pathPattern.test(path.toLowerCase())) {
      throw invalid(text, 'a repository name is lower case', `Use ${JSON.stringify(path.toLowerCase())}.`);
    }
    throw invalid(text, `${JSON.stringify(path)} is not a repository name`);
  }
  if (domain.length + 1 + path.length > nameLimit)
    throw invalid(text, `the name is longer than ${nameLimit} characters`);
}

/**
 * Reads `[HOST[:PORT]/]NAME[:TAG][@DIGEST]` as Docker does: `nginx` is `docker.io/library/nginx`. No tag is added.
 *
 * @throws HawserError REFERENCE_INVALID
 */
export function parseReference(text: string): Reference {
  if (text === '') throw invalid(text, 'it is empty');
  if (/^[0-9a-f]{64}$/.test(text)) {
    throw invalid(
      text,
      '64 hex digits are an id, not a name',
      'Give the image a name, or use sha256:… for the id.',
    );
  }
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest))
    throw invalid(text, `${JSON.stringify(digest)} is not a digest`);
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  if (tag !== undefined && !tagPattern.test(tag)) {
    throw invalid(text, `${JSON.stringify(tag)} is not a tag`, 'A tag has up to 128 of A-Z a-z 0-9 . _ -.');
  }
  const split = splitDomain(colon < 0 ? named : named.slice(0, colon));
  const domain = split.domain;
  const path =
    domain === defaultDomain && !split.path.includes('/') ? officialNamespace + split.path : split.path;
  checkName(text, domain, path);
  return { domain, path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** The same reference with the tag `latest`, where it has neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined
    ? { ...reference, tag: 'latest' }
    : reference;
}

/** `domain/path`. */
export function repositoryOf({ domain, path }: Reference): string {
  return `${domain}/${path}`;
}

function suffixOf({ tag, digest }: Reference): string {
  return (tag === undefined ? '' : `:${tag}`) + (digest === undefined ? '' : `@${digest}`);
}

/** The full text, e.g. `docker.io/library/nginx:latest`. */
export function formatReference(reference: Reference): string {
  return repositoryOf(reference) + suffixOf(reference);
}

/** The short text that users know, e.g. `nginx:latest`. */
export function familiarReference(reference: Reference): string {
  const { domain, path } = reference;
  if (domain !== defaultDomain) return formatReference(reference);
  const rest = path.slice(officialNamespace.length);
  const official = path.startsWith(officialNamespace) && !rest.includes('/');
  return (official ? rest : path) + suffixOf(reference);
}
