import type { Pod } from '../../api/pod.ts';
import { type ApiClient } from './api-client.ts';
import { podResource, resourcePath } from './find-resource.ts';

/** Names the container of a pod whose output is meant, where no other is named. */
const defaultContainer = 'kubectl.kubernetes.io/default-container';

export interface PodLogsOptions {
  /** Default `default`. */
  readonly namespace?: string | undefined;
  readonly container?: string | undefined;
  readonly follow?: boolean;
  /** Of the instance before the latest. */
  readonly previous?: boolean;
  /** Lines. */
  readonly tail?: number | undefined;
  /** RFC 3339 */
  readonly since?: string | undefined;
  readonly timestamps?: boolean;
  readonly limitBytes?: number | undefined;
  readonly write: (chunk: Uint8Array) => void | Promise<void>;
  /** Takes which container was chosen. */
  readonly note: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
}

async function containerOf(
  client: ApiClient,
  name: string,
  options: PodLogsOptions,
): Promise<string | undefined> {
  const { container, namespace = 'default', signal } = options;
  if (container !== undefined) return container;
  const { value } = await client.call(resourcePath(podResource, { namespace, name }), { signal });
  const { metadata, spec } = value as Pod;
  const annotated = metadata.annotations?.[defaultContainer];
  if (annotated !== undefined) return annotated;
  const names = spec.containers.map(own => own.name);
  const [first] = names;
  const others = [...names, ...(spec.initContainers ?? []).map(own => `${own.name} (init)`)];
  if (others.length > 1) options.note(`Defaulted container "${first}" out of: ${others.join(', ')}`);
  return first;
}

/**
 * Writes the output of a container of a pod, as `kubectl logs`.
 *
 * @throws HawserError API_UNREACHABLE, NOT_FOUND, OBJECT_INVALID (no such container, or not started yet), ABORTED
 */
export async function podLogs(client: ApiClient, name: string, options: PodLogsOptions): Promise<void> {
  const { namespace = 'default', tail, since, limitBytes, signal } = options;
  const flag = (value: boolean | undefined) => (value === true ? 'true' : undefined);
  const query = {
    container: await containerOf(client, name, options),
    follow: flag(options.follow),
    previous: flag(options.previous),
    timestamps: flag(options.timestamps),
    tailLines: tail === undefined ? undefined : String(tail),
    sinceTime: since,
    limitBytes: limitBytes === undefined ? undefined : String(limitBytes),
  };
  const path = `${resourcePath(podResource, { namespace, name })}/log`;
  for await (const chunk of client.stream(path, { query, signal })) await options.write(chunk);
}
