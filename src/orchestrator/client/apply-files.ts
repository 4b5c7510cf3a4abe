import { isDeepStrictEqual } from 'node:util';
import type { ApiObject } from '../../api/object-meta.ts';
import type { JsonObject, JsonValue } from '../../api/patch/json-value.ts';
import { threeWayMerge } from '../../api/patch/three-way-merge.ts';
import { type ApiClient } from './api-client.ts';
import { ApiFailure, isApiFailure } from './api-failure.ts';
import { checkManifest, locatedFailure, requiredName, schemaOfManifest } from './check-manifest.ts';
import { namespaceFor, ResourceFinder, resourcePath, type ServedResource } from './find-resource.ts';
import { originalOf, withLastApplied } from './last-applied.ts';
import { type ManifestObject, objectField } from './manifest-object.ts';
import { readManifests } from './read-manifests.ts';

const TRIES = 5;
const write = { fieldManager: 'hawser', fieldValidation: 'Strict' };

export interface ApplyOptions {
  /** Of objects that name none; default `default`. */
  readonly namespace?: string | undefined;
  /** Takes a line for each object: `pod/nginx created`. */
  readonly print: (line: string) => void;
  /** Takes what the server wants the user to know. */
  readonly warn: (line: string) => void;
  /** What the file `-` reads. */
  readonly input: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
}

export interface AppliedObject {
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly outcome: 'created' | 'configured' | 'unchanged';
}

interface Wanted {
  readonly manifest: ManifestObject;
  readonly resource: ServedResource;
  readonly namespace: string | undefined;
  readonly name: string;
  /** With the annotation that remembers it. */
  readonly object: JsonObject;
}

async function prepare(
  finder: ResourceFinder,
  manifest: ManifestObject,
  options: ApplyOptions,
): Promise<Wanted> {
  const resource = await finder.find(manifest, options.signal);
  const name = requiredName(manifest);
  const namespace = namespaceFor(resource, manifest, options.namespace);
  return { manifest, resource, namespace, name, object: withLastApplied(manifest.value, namespace) };
}

/** What the object shall be, from what it is. */
function mergedWith({ manifest, object }: Wanted, current: JsonObject): JsonValue {
  const way = { original: originalOf(current), wanted: object, current };
  return threeWayMerge(way, schemaOfManifest(manifest));
}

interface Outcome {
  readonly outcome: AppliedObject['outcome'];
  readonly warnings: readonly string[];
}

async function create(client: ApiClient, wanted: Wanted, options: ApplyOptions): Promise<Outcome> {
  const path = resourcePath(wanted.resource, { namespace: wanted.namespace });
  const call = { method: 'POST' as const, query: write, body: wanted.object, signal: options.signal };
  const { warnings } = await client.call(path, call);
  return { outcome: 'created', warnings };
}

async function replace(
  client: ApiClient,
  wanted: Wanted,
  options: ApplyOptions & { readonly current: JsonObject },
): Promise<Outcome> {
  const { current, signal } = options;
  const merged = mergedWith(wanted, current);
  if (isDeepStrictEqual(merged, current)) return { outcome: 'unchanged', warnings: [] };
  const path = resourcePath(wanted.resource, wanted);
  const { value, warnings } = await client.call(path, { method: 'PUT', query: write, body: merged, signal });
  const before = objectField(current, 'metadata')['resourceVersion'];
  const same = (value as ApiObject).metadata.resourceVersion === before;
  return { outcome: same ? 'unchanged' : 'configured', warnings };
}

/** Creates or changes an object; begins again where somebody else was faster. */
async function bring(client: ApiClient, wanted: Wanted, options: ApplyOptions): Promise<Outcome> {
  const path = resourcePath(wanted.resource, wanted);
  for (let attempt = 1; ; attempt++) {
    try {
      let current: JsonObject;
      try {
        current = (await client.call(path, { signal: options.signal })).value as JsonObject;
      } catch (error) {
        if (!isApiFailure(error, 'NotFound')) throw error;
        return await create(client, wanted, options);
      }
      if (objectField(current, 'metadata')['deletionTimestamp'] !== undefined) {
        options.warn(
          `${wanted.resource.singular}/${wanted.name} is being deleted: apply it again when it is gone`,
        );
      }
      return await replace(client, wanted, { ...options, current });
    } catch (error) {
      const overtaken = isApiFailure(error, 'Conflict') || isApiFailure(error, 'AlreadyExists');
      if (overtaken && attempt < TRIES) continue;
      throw error instanceof ApiFailure ? locatedFailure(wanted.manifest, error) : error;
    }
  }
}

/**
 * Brings the objects of files about, as `kubectl apply`: what is new is created; what has changed since the last apply is
 * changed, and what others have set stays. Every file is read and checked before anything is sent.
 *
 * @throws HawserError API_UNREACHABLE, NOT_FOUND (file), OBJECT_INVALID with its place, CONFLICT
 */
export async function applyFiles(
  client: ApiClient,
  files: readonly string[],
  options: ApplyOptions,
): Promise<readonly AppliedObject[]> {
  const finder = new ResourceFinder(client);
  const manifests = await readManifests(files, options.input);
  for (const manifest of manifests) checkManifest(manifest);
  const wanted: Wanted[] = [];
  for (const manifest of manifests) wanted.push(await prepare(finder, manifest, options));
  const applied: AppliedObject[] = [];
  for (const one of wanted) {
    const { outcome, warnings } = await bring(client, one, options);
    for (const warning of warnings) options.warn(warning);
    options.print(`${one.resource.singular}/${one.name} ${outcome}`);
    applied.push({ resource: one.resource.resource, namespace: one.namespace, name: one.name, outcome });
  }
  return applied;
}
