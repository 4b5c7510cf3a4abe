import type { ApiObject } from '../../../api/object-meta.ts';
import type { Selector } from '../../../api/selectors.ts';
import { badRequest, notFound } from '../../../api/status.ts';
import type { ApiContext } from '../api-context.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { keyPrefix, type ObjectName, objectKey, objectOf } from './object-keys.ts';

/** Which objects a list or a watch is about. */
export interface Selection {
  /** Undefined: all. */
  readonly namespace: string | undefined;
  readonly labels?: Selector | undefined;
  readonly fields?: Selector | undefined;
}

export function selectableFields(definition: ResourceDefinition, object: ApiObject) {
  const { name, namespace } = object.metadata;
  return {
    ...definition.fields(object),
    'metadata.name': name,
    ...(namespace === undefined ? {} : { 'metadata.namespace': namespace }),
  };
}

export function isSelected(definition: ResourceDefinition, object: ApiObject, selection: Selection): boolean {
  if (selection.labels?.(object.metadata.labels ?? {}) === false) return false;
  return selection.fields?.(selectableFields(definition, object)) !== false;
}

/** @throws StatusError 404 */
export async function getObject(
  { store }: ApiContext,
  definition: ResourceDefinition,
  name: ObjectName,
): Promise<ApiObject> {
  const found = await store.get(objectKey(definition, name));
  if (found === undefined) throw notFound(definition, name.name);
  return objectOf(found);
}

export interface ObjectPage {
  readonly items: readonly ApiObject[];
  readonly revision: number;
  /** Where the next page begins. */
  readonly continue?: string;
  readonly remaining?: number;
}

interface PageToken {
  readonly after: string;
  readonly revision: number;
}

function parseToken(text: string): PageToken {
  try {
    const token = JSON.parse(Buffer.from(text, 'base64url').toString()) as Partial<PageToken>;
    if (typeof token.after === 'string' && typeof token.revision === 'number')
      return { after: token.after, revision: token.revision };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw badRequest('continue key is not valid');
}

/**
 * Objects in the order of their names. Later pages show what is there by then, under the revision of the first one: a
 * watch from that revision brings what they have missed.
 *
 * @throws StatusError 400 for a wrong token
 */
export async function listObjects(
  { store }: ApiContext,
  definition: ResourceDefinition,
  options: Selection & { readonly limit?: number | undefined; readonly continue?: string | undefined },
): Promise<ObjectPage> {
  const token = options.continue === undefined ? undefined : parseToken(options.continue);
  const listed = await store.list(keyPrefix(definition, options.namespace));
  const revision = token?.revision ?? listed.revision;
  const selected = listed.items
    .filter(({ key }) => token === undefined || key > token.after)
    .filter(({ value }) => isSelected(definition, value, options));
  const page = selected.slice(0, options.limit ?? selected.length);
  const last = page.at(-1);
  const items = page.map(objectOf);
  if (last === undefined || page.length === selected.length) return { items, revision };
  const next = Buffer.from(JSON.stringify({ after: last.key, revision })).toString('base64url');
  return { items, revision, continue: next, remaining: selected.length - page.length };
}
