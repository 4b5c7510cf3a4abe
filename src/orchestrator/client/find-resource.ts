import { HawserError } from '../../errors/hawser-error.ts';
import { nearest } from '../../util/nearest.ts';
import { type ApiClient } from './api-client.ts';
import { isApiFailure } from './api-failure.ts';
import { checkKind } from './check-manifest.ts';
import { type ManifestObject, namespaceOf } from './manifest-object.ts';

export interface ServedResource {
  /** e.g. `/api/v1` */
  readonly root: string;
  /** e.g. `pods` */
  readonly resource: string;
  readonly singular: string;
  readonly namespaced: boolean;
}

interface ResourceEntry {
  readonly name: string;
  readonly singularName: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

async function entriesOf(
  client: ApiClient,
  root: string,
  signal?: AbortSignal,
): Promise<readonly ResourceEntry[]> {
  try {
    const { value } = await client.call(root, { signal });
    const { resources } = value as { readonly resources?: unknown };
    if (Array.isArray(resources)) return resources as readonly ResourceEntry[];
    throw new HawserError('API_UNREACHABLE', `no pod API answers there: ${root} lists no resources`);
  } catch (error) {
    if (isApiFailure(error, 'NotFound')) return [];
    throw error;
  }
}

/** Finds the resource of an object in what the server serves; asks it once for each API version. */
export class ResourceFinder {
  readonly #client: ApiClient;
  readonly #known = new Map<string, Promise<readonly ResourceEntry[]>>();

  constructor(client: ApiClient) {
    this.#client = client;
  }

  /** @throws HawserError OBJECT_INVALID where it is not served, or does not say what it is */
  async find(manifest: ManifestObject, signal?: AbortSignal): Promise<ServedResource> {
    checkKind(manifest);
    const apiVersion = String(manifest.value['apiVersion']);
    const kind = String(manifest.value['kind']);
    const parts = apiVersion.split('/').map(encodeURIComponent).join('/');
    const root = apiVersion.includes('/') ? `/apis/${parts}` : `/api/${parts}`;
    const asked = this.#known.get(root) ?? entriesOf(this.#client, root, signal);
    this.#known.set(root, asked);
    const entries = (await asked).filter(({ name }) => !name.includes('/'));
    const found = entries.find(entry => entry.kind === kind);
    if (found !== undefined) {
      const { name, singularName, namespaced } = found;
      return { root, resource: name, singular: singularName, namespaced };
    }
    const kinds = entries.map(entry => entry.kind);
    const near = nearest(kind, kinds);
    const served = kinds.length === 0 ? 'This API serves v1.' : `This API serves ${kinds.join(', ')}.`;
    throw new HawserError(
      'OBJECT_INVALID',
      `no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(apiVersion)}`,
      {
        location: manifest.locate([kinds.length === 0 ? 'apiVersion' : 'kind']),
        remedy: near === undefined ? served : `Did you mean ${near}?`,
      },
    );
  }
}

/**
 * The namespace of an object that a file describes: its own, or the one of the command; undefined for what lies in none.
 *
 * @throws HawserError OBJECT_INVALID where the two differ
 */
export function namespaceFor(
  { namespaced }: ServedResource,
  manifest: ManifestObject,
  wanted: string | undefined,
): string | undefined {
  if (!namespaced) return undefined;
  const own = namespaceOf(manifest);
  if (own === undefined || wanted === undefined || own === wanted) return own ?? wanted ?? 'default';
  throw new HawserError(
    'OBJECT_INVALID',
    `the object lies in the namespace ${JSON.stringify(own)}, not in ${JSON.stringify(wanted)}`,
    { location: manifest.locate(['metadata', 'namespace']), remedy: `Use -n ${own}, or leave -n out.` },
  );
}

/** A name as a part of a path, where it may lead nowhere else. @throws HawserError INVALID_ARGUMENT */
function pathPart(name: string): string {
  if (name !== '' && name !== '.' && name !== '..' && !/[/%]/.test(name)) return encodeURIComponent(name);
  throw new HawserError('INVALID_ARGUMENT', `${JSON.stringify(name)} is not the name of an object`, {
    remedy: 'A name has lower case letters, digits, - and dots.',
  });
}

/** The path of a collection, or of one of its objects. @throws HawserError INVALID_ARGUMENT for no name */
export function resourcePath(
  { root, resource, namespaced }: Pick<ServedResource, 'root' | 'resource' | 'namespaced'>,
  object: { readonly namespace?: string | undefined; readonly name?: string | undefined },
): string {
  const { namespace, name } = object;
  const scope = namespaced && namespace !== undefined ? `/namespaces/${pathPart(namespace)}` : '';
  return `${root}${scope}/${resource}${name === undefined ? '' : `/${pathPart(name)}`}`;
}

/** The resource of which `hawser pod` speaks. */
export const podResource: ServedResource = {
  root: '/api/v1',
  resource: 'pods',
  singular: 'pod',
  namespaced: true,
};
