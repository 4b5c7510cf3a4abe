import { setTimeout as delay } from 'node:timers/promises';
import type { ApiList, ApiObject } from '../../api/object-meta.ts';
import { HawserError } from '../../errors/hawser-error.ts';
import { type ApiClient } from './api-client.ts';
import { isApiFailure } from './api-failure.ts';
import { podResource, resourcePath } from './find-resource.ts';

export interface DeletePodsOptions {
  readonly names: readonly string[];
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

/** Milliseconds between two looks. */
const POLL = 100;

async function namesOf(client: ApiClient, options: DeletePodsOptions): Promise<readonly string[]> {
  const { names, all = false, selector, namespace = 'default', signal } = options;
  if (names.length > 0) return names;
  if (!all && selector === undefined) {
    throw new HawserError('INVALID_ARGUMENT', 'no pod is named', { remedy: 'Name pods, or use --all.' });
  }
  const { value } = await client.call(resourcePath(podResource, { namespace }), {
    query: { labelSelector: selector },
    signal,
  });
  return (value as ApiList).items.map(({ metadata }) => metadata.name);
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
      // Another pod has the name already.
      if ((value as ApiObject).metadata.uid !== uid) return;
    } catch (error) {
      if (isApiFailure(error, 'NotFound')) return;
      throw error;
    }
    await delay(POLL, undefined, signal === undefined ? {} : { signal });
  }
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
    return { uid: (value as ApiObject).metadata.uid };
  } catch (error) {
    if (options.ignoreNotFound === true && isApiFailure(error, 'NotFound')) return undefined;
    throw error;
  }
}

/**
 * Deletes pods and waits until they are gone, as `kubectl delete pod`.
 *
 * @throws HawserError API_UNREACHABLE, NOT_FOUND, INVALID_ARGUMENT (nothing named), ABORTED
 */
export async function deletePods(client: ApiClient, options: DeletePodsOptions): Promise<void> {
  const { namespace = 'default', wait = true, signal } = options;
  const waiting: (readonly [string, string | undefined])[] = [];
  for (const name of await namesOf(client, options)) {
    const path = resourcePath(podResource, { namespace, name });
    const deleted = await deleteOne(client, path, options);
    if (deleted === undefined) continue;
    options.print(`pod "${name}" ${options.force === true ? 'force deleted' : 'deleted'}`);
    waiting.push([path, deleted.uid]);
  }
  if (!wait) return;
  for (const [path, uid] of waiting) await waitUntilGone(client, path, { uid, signal });
}
