import type { Pod, PodStatus } from '../../api/pod.ts';
import { parseFieldSelector } from '../../api/selectors.ts';
import { StatusError } from '../../api/status.ts';
import type { ApiContext } from '../apiserver/api-context.ts';
import type { EventRecorder } from '../apiserver/event-recorder.ts';
import { removeObject } from '../apiserver/registry/delete-object.ts';
import { updateObject } from '../apiserver/registry/update-object.ts';
import { watchObjects } from '../apiserver/registry/watch-objects.ts';
import { pods } from '../apiserver/resources/pods.ts';
import type { PodApi } from './pod-api.ts';

export interface RegistryPodApiOptions {
  readonly context: ApiContext;
  readonly events: EventRecorder;
  readonly nodeName: string;
}

function isGone(error: unknown): boolean {
  if (!(error instanceof StatusError)) return false;
  // A pod of the same name with another uid is another pod.
  return error.status.code === 404 || error.status.reason === 'Conflict';
}

/** The node's status, with conditions that others set: the node agent owns those that it tells. */
function withStatus(current: Pod, status: PodStatus): Pod {
  const { resourceVersion: _, ...metadata } = current.metadata;
  const own = new Set(status.conditions?.map(({ type }) => type));
  const others = (current.status?.conditions ?? []).filter(({ type }) => !own.has(type));
  return {
    ...current,
    metadata,
    status: { ...status, conditions: [...(status.conditions ?? []), ...others] },
  };
}

async function updateStatus(context: ApiContext, pod: Pod, status: PodStatus): Promise<Pod | undefined> {
  const { name, namespace, uid } = pod.metadata;
  const change = (found: object): Pod => {
    const current = found as Pod;
    // A later object of the same name is refused by its uid.
    return withStatus(
      { ...current, metadata: { ...current.metadata, ...(uid === undefined ? {} : { uid }) } },
      status,
    );
  };
  try {
    return (await updateObject(context, pods, { namespace, name }, { change, subresource: 'status' })) as Pod;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** What the node agent needs, over an API server in this process. */
export function registryPodApi({ context, events, nodeName }: RegistryPodApiOptions): PodApi {
  const onNode = parseFieldSelector(`spec.nodeName=${nodeName}`, ['spec.nodeName']);
  return {
    async *watchPods(signal) {
      const watched = watchObjects(context, pods, {
        namespace: undefined,
        fields: onNode,
        after: undefined,
        signal,
      });
      for await (const event of watched) {
        if (event.type === 'SYNCED') yield { type: 'SYNCED' };
        else yield { type: event.type, pod: event.object as Pod };
      }
    },
    updatePodStatus: (pod, status) => updateStatus(context, pod, status),
    deletePod: pod => removeObject(context, pods, pod),
    async recordEvent({ pod, type, reason, message, fieldPath }) {
      events.record({
        object: pod,
        type,
        reason,
        message,
        component: 'kubelet',
        host: nodeName,
        ...(fieldPath === undefined ? {} : { fieldPath }),
      });
    },
  };
}
