import type { ResourceDefinition } from './resource-definition.ts';

/** What a path names; undefined for what is not served. */
export interface ResourceRoute {
  readonly definition: ResourceDefinition;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** Characters: nothing has a longer name. */
const NAME_LIMIT = 253;

/** A part of a path; undefined for what can be no name. */
function decodePart(part: string): string | undefined {
  try {
    const decoded = decodeURIComponent(part);
    return decoded.includes('/') || decoded.length > NAME_LIMIT ? undefined : decoded;
  } catch {
    return undefined; // a broken escape names nothing
  }
}

/** `/api/VERSION/…` and `/apis/GROUP/VERSION/…` */
export function parseGroupVersion(
  path: string,
): { readonly group: string; readonly version: string; readonly rest: readonly string[] } | undefined {
  const parts = path.split('/').slice(1).map(decodePart);
  if (parts.at(-1) === '') parts.pop();
  if (parts.some(part => part === undefined || part === '')) return undefined;
  const [root = '', ...more] = parts as string[];
  const [first = '', second = ''] = more;
  if (root === 'api' && more.length > 0) return { group: '', version: first, rest: more.slice(1) };
  if (root === 'apis' && more.length > 1) return { group: first, version: second, rest: more.slice(2) };
  return undefined;
}

/** Kubernetes API conventions, "Resources": the paths of objects and collections. */
export function parseRoute(
  path: string,
  resources: readonly ResourceDefinition[],
): ResourceRoute | undefined {
  const parsed = parseGroupVersion(path);
  if (parsed === undefined) return undefined;
  const { group, version, rest } = parsed;
  const find = (resource: string | undefined) =>
    resources.find(own => own.group === group && own.version === version && own.resource === resource);
  const [first, namespace, third] = rest;
  const inside = first === 'namespaces' && rest.length > 2 ? find(third) : undefined;
  if (inside !== undefined) {
    const [, , , name, subresource, ...tooMuch] = rest;
    if (!inside.namespaced || tooMuch.length > 0) return undefined;
    return { definition: inside, namespace, name, subresource };
  }
  const definition = find(first);
  const [, name, subresource, ...tooMuch] = rest;
  if (definition === undefined || tooMuch.length > 0) return undefined;
  // Without a namespace there are only collections of what lies in namespaces.
  if (definition.namespaced && name !== undefined) return undefined;
  return { definition, namespace: undefined, name, subresource };
}
