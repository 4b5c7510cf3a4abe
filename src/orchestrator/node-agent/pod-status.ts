import type {
  Container,
  ContainerStateWaiting,
  ContainerStatus,
  Pod,
  PodCondition,
  PodStatus,
} from '../../api/pod.ts';
import { qosClassOf } from '../../api/qos-class.ts';
import { timestampOf } from '../../api/timestamp.ts';
import { containerStatus } from './container-status.ts';
import { latestAttempt, type ObservedPod } from './observed-pod.ts';
import { phaseOf } from './pod-phase.ts';

export interface PodStatusInput {
  readonly pod: Pod;
  readonly observed: ObservedPod;
  /** Why containers wait, by name. */
  readonly waiting: ReadonlyMap<string, ContainerStateWaiting>;
  /** What ended containers have said, by id. */
  readonly messages: ReadonlyMap<string, string>;
  readonly hostIP: string;
  readonly now: number;
  /** The pod was ended by the agent, e.g. past its deadline. */
  readonly failure?: { readonly reason: string; readonly message: string } | undefined;
}

/** A terminal phase stays; a pod that the agent has ended is Failed. */
function lastingPhase(input: PodStatusInput, statuses: readonly ContainerStatus[]) {
  const before = input.pod.status?.phase;
  if (before === 'Failed' || before === 'Succeeded') return before;
  return input.failure === undefined ? phaseOf(input.pod.spec, statuses) : 'Failed';
}

function isInitialized(status: ContainerStatus): boolean {
  return status.state.terminated?.exitCode === 0;
}

function statusesOf(input: PodStatusInput) {
  const { pod, observed, waiting, messages } = input;
  const { status } = pod;
  const list = (
    containers: readonly Container[],
    initially: ContainerStateWaiting,
    before?: readonly ContainerStatus[],
  ) =>
    containers.map(container =>
      containerStatus(container, {
        attempts: observed.attempts.get(container.name) ?? [],
        waiting: waiting.get(container.name),
        initially,
        before: before?.find(({ name }) => name === container.name),
        messages,
      }),
    );
  const init = list(
    pod.spec.initContainers ?? [],
    { reason: 'PodInitializing' },
    status?.initContainerStatuses,
  );
  const started = pod.spec.containers.some(({ name }) => latestAttempt(observed, name) !== undefined);
  const reason =
    init.length === 0 || started || init.every(isInitialized) ? 'ContainerCreating' : 'PodInitializing';
  return { init, app: list(pod.spec.containers, { reason }, status?.containerStatuses) };
}

interface Verdict {
  readonly holds: boolean;
  readonly reason?: string;
  readonly message?: string;
}

function initializedVerdict(init: readonly ContainerStatus[], phase: string): Verdict {
  if (phase === 'Succeeded') return { holds: true, reason: 'PodCompleted' };
  const missing = init.filter(status => !isInitialized(status)).map(({ name }) => name);
  if (missing.length === 0) return { holds: true };
  const message = `containers with incomplete status: [${missing.join(' ')}]`;
  return { holds: false, reason: 'ContainersNotInitialized', message };
}

function readyVerdict(app: readonly ContainerStatus[], phase: string): Verdict {
  if (phase === 'Succeeded') return { holds: false, reason: 'PodCompleted' };
  const missing = app.filter(({ ready }) => !ready).map(({ name }) => name);
  if (missing.length === 0 && phase === 'Running') return { holds: true };
  const message = `containers with unready status: [${missing.join(' ')}]`;
  return { holds: false, reason: phase === 'Failed' ? 'PodFailed' : 'ContainersNotReady', message };
}

function conditionsOf(
  input: PodStatusInput,
  verdicts: readonly (readonly [string, Verdict])[],
): readonly PodCondition[] {
  const before = input.pod.status?.conditions ?? [];
  const known = new Set(verdicts.map(([type]) => type));
  const own = verdicts.map(([type, { holds, reason, message }]): PodCondition => {
    const status = holds ? 'True' : 'False';
    const old = before.find(condition => condition.type === type);
    const same = old?.status === status ? old.lastTransitionTime : undefined;
    return {
      type,
      status,
      lastProbeTime: null,
      lastTransitionTime: same ?? timestampOf(input.now),
      ...(reason === undefined ? {} : { reason }),
      ...(message === undefined ? {} : { message }),
    };
  });
  return [...own, ...before.filter(({ type }) => !known.has(type))];
}

/** The whole status of a pod of this node (core/v1 PodStatus). */
export function podStatus(input: PodStatusInput): PodStatus {
  const { pod, observed, hostIP, failure } = input;
  const { init, app } = statusesOf(input);
  const phase = lastingPhase(input, [...init, ...app]);
  const ready = readyVerdict(app, phase);
  const conditions = conditionsOf(input, [
    ['PodReadyToStartContainers', { holds: observed.sandbox !== undefined }],
    ['Initialized', initializedVerdict(init, phase)],
    ['Ready', ready],
    ['ContainersReady', ready],
    ['PodScheduled', { holds: true }],
  ]);
  const address = pod.spec.hostNetwork === true ? hostIP : (observed.sandbox?.address ?? pod.status?.podIP);
  const { reason, message } = failure ?? pod.status ?? {};
  return {
    phase,
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
    conditions,
    hostIP,
    hostIPs: [{ ip: hostIP }],
    ...(address === undefined ? {} : { podIP: address, podIPs: [{ ip: address }] }),
    startTime: pod.status?.startTime ?? timestampOf(input.now),
    qosClass: qosClassOf(pod),
    ...(init.length === 0 ? {} : { initContainerStatuses: init }),
    containerStatuses: app,
  };
}
