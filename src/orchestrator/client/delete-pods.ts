import { setTimeout as delay } from 'node:timers/promises';
import type { ApiList, ApiObject } from '../../api/object-meta.ts';
import { HawserError } from '../../errors/hawser-error.ts';
import { throwIfAborted } from '../../util/abort.ts';
import { type ApiClient } from './api-client.ts';
import { isApiFailure } from './api-failure.ts';
import { requiredName } from './check-manifest.ts';
import { namespaceFor, podResource, ResourceFinder, resourcePath } from './find-resource.ts';
import { readManifests } from './read-manifests.ts';

export interface DeletePodsOptions {
  readonly names: readonly string[];
  /** Instead of names: the objects of these files, folders, or `-`. */
  readonly files?: readonly string[];
  /** What the file `-` reads. */
  readonly input?: AsyncIterable<Uint8Array>;
  /** Instead of names: all of the namespace, or those with these labels. */
  readonly all?: boolean;
  readonly selector?: string | undefined;
  /** Default `default`. */
  readonly namespace?: string | undefined;
  /** Seconds; default the pod's own. */
  readonly gracePeriod?: number | undefined;
  /** Removes the object at once; its containers are ended meanwhile. */
  readonly force?: boolean;
  /** No failure where there is none. */
  readonly ignoreNotFound?: boolean;
  /** Default true: returns when they are gone. */
  readonly wait?: boolean;
  readonly print: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

interface Target {
  readonly path: string;
  /** e.g. `pod "nginx"` */
  readonly title: string;
}

/** Milliseconds between two looks. */
const POLL = 100;

async function targetsOfFiles(client: ApiClient, options: DeletePodsOptions): Promise<readonly Target[]> {
  const { files = [], input = process.stdin, signal } = options;
  const finder = new ResourceFinder(client);
  const targets: Target[] = [];
  for (const manifest of await readManifests(files, input)) {
    const resource = await finder.find(manifest, signal);
    const name = requiredName(manifest);
    const namespace = namespaceFor(resource, manifest, options.namespace);
    targets.push({
      path: resourcePath(resource, { namespace, name }),
      title: `${resource.singular} "${name}"`,
    });
  }
  return targets;
}

async function targetsOf(client: ApiClient, options: DeletePodsOptions): Promise<readonly Target[]> {
  const { names, files = [], all = false, selector = '', namespace = 'default', signal } = options;
  const target = (name: string): Target => ({
    path: resourcePath(podResource, { namespace, name }),
    title: `pod "${name}"`,
  });
  if (files.length > 0) return targetsOfFiles(client, options);
  if (names.length > 0) return names.map(target);
  // An empty selector selects everything: nobody means that by it.
  if (!all && selector.trim() === '') {
    throw new HawserError('INVALID_ARGUMENT', 'no pod is named', {
      remedy: 'Name pods, or use -f FILE, -l LABELS or --all.',
    });
  }
  const { value } = await client.call(resourcePath(podResource, { namespace }), {
    query: { labelSelector: selector },
    signal,
  });
  return (value as ApiList).items.map(({ metadata }) => target(metadata.name));
}

async function waitUntilGone(
  client: ApiClient,
  path: string,
  options: { readonly uid: string | undefined; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const { uid, signal } = options;
  for (;;) {
    try {
      const { value } = await client.call(path, { signal });
      // Another object has the name already.
      if ((value as ApiObject).metadata.uid !== uid) return;
    } catch (error) {
      if (isApiFailure(error, 'NotFound')) return;
      throw error;
    }
    throwIfAborted(signal);
    await delay(POLL, undefined, signal === undefined ? {} : { signal }).catch(() => throwIfAborted(signal));
  }
}

/** An answer is the object that still ends, or a Status that names it. */
function uidOf(answer: unknown): string | undefined {
  const { metadata, details } = answer as Partial<ApiObject> & {
    readonly details?: { readonly uid?: string };
  };
  return metadata?.uid ?? details?.uid;
}

/** @returns what to wait for; undefined where there was none, and that is no failure */
async function deleteOne(client: ApiClient, path: string, options: DeletePodsOptions) {
  const grace = options.force === true ? (options.gracePeriod ?? 0) : options.gracePeriod;
  const body = {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    propagationPolicy: 'Background',
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
  };
  try {
    const { value } = await client.call(path, { method: 'DELETE', body, signal: options.signal });
    return { uid: uidOf(value) };
  } catch (error) {
    if (options.ignoreNotFound === true && isApiFailure(error, 'NotFound')) return undefined;
    throw error;
  }
}

/**
 * Deletes pods, or the objects of files, and waits until they are gone, as `kubectl delete`.
 *
 * @throws HawserError API_UNREACHABLE, NOT_FOUND, INVALID_ARGUMENT (nothing named), ABORTED
 */
export async function deletePods(client: ApiClient, options: DeletePodsOptions): Promise<void> {
  const { wait = true, signal } = options;
  const waiting: (readonly [string, string | undefined])[] = [];
  for (const { path, title } of await targetsOf(client, options)) {
    const deleted = await deleteOne(client, path, options);
    if (deleted === undefined) continue;
    options.print(`${title} ${options.force === true ? 'force deleted' : 'deleted'}`);
    waiting.push([path, deleted.uid]);
  }
  if (!wait) return;
  for (const [path, uid] of waiting) await waitUntilGone(client, path, { uid, signal });
}
