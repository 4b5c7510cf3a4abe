import type { ContainerStatus, Pod } from '../../../api/pod.ts';
import { badRequest } from '../../../api/status.ts';
import type { ApiContext } from '../api-context.ts';
import { type ApiRequest, type ApiResponse, textResponse } from '../api-message.ts';
import type { PodLogSource } from '../pod-logs.ts';
import { getObject } from '../registry/read-objects.ts';
import { booleanQuery, integerQuery, type ResourceRequest } from './resource-request.ts';

/** kubernetes, pkg/registry/core/pod/strategy.go LogLocation. @throws StatusError 400 */
function containerOf({ metadata, spec }: Pod, wanted: string): string {
  const names = spec.containers.map(({ name }) => name);
  const init = (spec.initContainers ?? []).map(({ name }) => name);
  if (wanted !== '') {
    if ([...names, ...init].includes(wanted)) return wanted;
    throw badRequest(`container ${wanted} is not valid for pod ${metadata.name}`);
  }
  const [only] = names;
  if (only !== undefined && names.length === 1) return only;
  const choice = `choose one of: [${names.join(' ')}]`;
  const others = init.length === 0 ? '' : ` or one of the init containers: [${init.join(' ')}]`;
  throw badRequest(`a container name must be specified for pod ${metadata.name}, ${choice}${others}`);
}

function statusOf({ status }: Pod, container: string): ContainerStatus | undefined {
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  return statuses.find(({ name }) => name === container);
}

/** @throws StatusError 400 */
function sinceOf(request: ApiRequest, now: number): string | undefined {
  const seconds = integerQuery(request, 'sinceSeconds');
  const time = request.query.get('sinceTime') ?? '';
  if (seconds !== undefined && time !== '')
    throw badRequest('at most one of sinceTime or sinceSeconds may be specified');
  if (seconds !== undefined && seconds < 1)
    throw badRequest('sinceSeconds: Invalid value: must be greater than 0');
  if (seconds !== undefined) return new Date(Math.max(0, now - seconds * 1000)).toISOString();
  if (time === '') return undefined;
  if (Number.isNaN(Date.parse(time))) throw badRequest(`sinceTime: Invalid value: ${JSON.stringify(time)}`);
  return time;
}

async function* firstBytes(source: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Uint8Array> {
  let left = limit;
  for await (const chunk of source) {
    yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left <= 0) return;
  }
}

/** The headers go out at once: a client that follows waits for them. */
async function* atOnce(source: AsyncIterable<Uint8Array>): AsyncGenerator<string | Uint8Array> {
  yield '';
  yield* source;
}

function missing(pod: Pod, container: string, previous: boolean) {
  const { name } = pod.metadata;
  if (previous) return badRequest(`previous terminated container "${container}" in pod "${name}" not found`);
  const waiting = statusOf(pod, container)?.state.waiting;
  const reason = waiting?.reason ?? 'ContainerCreating';
  const failed = ['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull'].includes(reason);
  const why = failed ? `trying and failing to pull image` : reason;
  return badRequest(`container "${container}" in pod "${name}" is waiting to start: ${why}`);
}

/** `pods/log`: the output of a container. @throws StatusError 400, 404 */
export async function handleLog(
  context: ApiContext,
  resource: ResourceRequest,
  logs: PodLogSource,
): Promise<ApiResponse> {
  const { request, definition, namespace, name = '' } = resource;
  const pod = (await getObject(context, definition, { namespace, name })) as Pod;
  const container = containerOf(pod, request.query.get('container') ?? '');
  const tail = integerQuery(request, 'tailLines');
  const limit = integerQuery(request, 'limitBytes');
  if (tail !== undefined && tail < 0)
    throw badRequest('tailLines: Invalid value: must be greater than or equal to 0');
  if (limit !== undefined && limit < 1) throw badRequest('limitBytes: Invalid value: must be greater than 0');
  const previous = booleanQuery(request, 'previous');
  const source = await logs.openLog({
    pod,
    container,
    previous,
    follow: booleanQuery(request, 'follow'),
    tail,
    since: sinceOf(request, context.now()),
    timestamps: booleanQuery(request, 'timestamps'),
    signal: request.signal,
  });
  if (source === undefined) throw missing(pod, container, previous);
  return textResponse(200, atOnce(limit === undefined ? source : firstBytes(source, limit)));
}
