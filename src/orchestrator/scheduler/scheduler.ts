import type { Node } from '../../api/node.ts';
import type { Pod } from '../../api/pod.ts';
import { StatusError } from '../../api/status.ts';
import { timestampOf } from '../../api/timestamp.ts';
import { isHawserError, messageOf } from '../../errors/hawser-error.ts';
import type { ApiContext } from '../apiserver/api-context.ts';
import type { EventRecorder } from '../apiserver/event-recorder.ts';
import { objectKey } from '../apiserver/registry/object-keys.ts';
import { listObjects } from '../apiserver/registry/read-objects.ts';
import { updateObject } from '../apiserver/registry/update-object.ts';
import { nodes } from '../apiserver/resources/nodes.ts';
import { pods } from '../apiserver/resources/pods.ts';
import { startLoop } from '../controllers/loop.ts';
import { unfitReasons } from './fit.ts';

export interface SchedulerOptions {
  readonly context: ApiContext;
  readonly events: EventRecorder;
  readonly log: (message: string) => void;
}

/** Whose pods this scheduler looks after; another one may be named. */
const schedulerName = 'default-scheduler';

function isWaiting({ spec, metadata, status }: Pod): boolean {
  if ((spec.nodeName ?? '') !== '' || metadata.deletionTimestamp !== undefined) return false;
  if ((spec.schedulerName ?? schedulerName) !== schedulerName || !isActive({ status })) return false;
  return (spec.schedulingGates ?? []).length === 0;
}

function isActive({ status }: Pick<Pod, 'status'>): boolean {
  return status?.phase !== 'Succeeded' && status?.phase !== 'Failed';
}

const nameOf = ({ metadata }: Pod) => ({ namespace: metadata.namespace, name: metadata.name });

/** Gives a pod its node, as the pods/binding subresource does. @returns the pod; undefined where it is gone or bound */
async function bind({ context }: SchedulerOptions, pod: Pod, nodeName: string): Promise<Pod | undefined> {
  const key = objectKey(pods, nameOf(pod));
  const found = await context.store.get(key);
  const value = found?.value as Pod | undefined;
  if (found === undefined || value === undefined || value.metadata.uid !== pod.metadata.uid) return undefined;
  if (!isWaiting(value)) return undefined;
  const condition = {
    type: 'PodScheduled',
    status: 'True' as const,
    lastProbeTime: null,
    lastTransitionTime: timestampOf(context.now()),
  };
  const others = (value.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
  const bound: Pod = {
    ...value,
    spec: { ...value.spec, nodeName },
    status: { ...value.status, conditions: [...others, condition] },
  };
  await context.store.write({ kind: 'update', key, value: bound, expected: found.revision });
  return bound;
}

/** kubernetes, framework FitError: `0/1 nodes are available: 1 node(s) …` */
function fitError(nodes: readonly (readonly string[])[]): string {
  const counts = new Map<string, number>();
  for (const reason of nodes.flat()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const parts = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  if (nodes.length === 0) return 'no nodes available to schedule pods';
  return `0/${nodes.length} nodes are available: ${parts.join(', ')}.`;
}

async function recordUnfit({ context, events }: SchedulerOptions, pod: Pod, message: string): Promise<void> {
  const old = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (old?.message === message) return;
  events.record({
    object: pod,
    type: 'Warning',
    reason: 'FailedScheduling',
    message,
    component: schedulerName,
  });
  const condition = {
    type: 'PodScheduled',
    status: 'False' as const,
    reason: 'Unschedulable',
    message,
    lastProbeTime: null,
    lastTransitionTime: timestampOf(context.now()),
  };
  const change = (current: Pod): Pod => {
    const others = (current.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
    const { resourceVersion: _, ...metadata } = current.metadata;
    return { ...current, metadata, status: { ...current.status, conditions: [...others, condition] } };
  };
  await updateObject(context, pods, nameOf(pod), {
    change: current => change(current as Pod),
    subresource: 'status',
  });
}

async function place(options: SchedulerOptions, pod: Pod, others: readonly Pod[], all: readonly Node[]) {
  const unfit: (readonly string[])[] = [];
  for (const node of all) {
    const onNode = others.filter(other => other.spec.nodeName === node.metadata.name && isActive(other));
    const reasons = unfitReasons(pod, node, onNode);
    if (reasons.length > 0) {
      unfit.push(reasons);
      continue;
    }
    const bound = await bind(options, pod, node.metadata.name);
    if (bound !== undefined) {
      const { namespace, name } = nameOf(pod);
      const message = `Successfully assigned ${namespace}/${name} to ${node.metadata.name}`;
      options.events.record({
        object: bound,
        type: 'Normal',
        reason: 'Scheduled',
        message,
        component: schedulerName,
      });
    }
    return bound;
  }
  await recordUnfit(options, pod, fitError(unfit));
  return undefined;
}

function isOvertaken(error: unknown): boolean {
  return (
    error instanceof StatusError || isHawserError(error, 'CONFLICT') || isHawserError(error, 'NOT_FOUND')
  );
}

/** Looks at every pod without a node, in the order in which they were made. */
async function schedulePods(options: SchedulerOptions): Promise<void> {
  const { context } = options;
  const everywhere = { namespace: undefined };
  let known = (await listObjects(context, pods, everywhere)).items as readonly Pod[];
  const waiting = known
    .filter(isWaiting)
    .sort((a, b) => (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? ''));
  if (waiting.length === 0) return;
  const all = (await listObjects(context, nodes, everywhere)).items as readonly Node[];
  for (const pod of waiting) {
    try {
      const bound = await place(options, pod, known, all);
      if (bound !== undefined) known = [...known.filter(other => other !== pod), bound];
    } catch (error) {
      // Somebody changed or deleted it meanwhile; the change wakes the loop.
      if (!isOvertaken(error)) options.log(`scheduler: ${pod.metadata.name}: ${messageOf(error)}`);
    }
  }
}

/** Gives pods without a node the first one that they fit on. */
export function startScheduler(options: SchedulerOptions) {
  return startLoop({
    name: 'scheduler',
    context: options.context,
    kinds: [pods, nodes],
    log: options.log,
    work: () => schedulePods(options),
  });
}
