import { ageOf, humanDuration } from './human-duration.ts';
import type { ContainerState, ContainerStatus, Pod } from './pod.ts';
import { columnsOf, type TableCell } from './table.ts';

/* kubernetes, pkg/printers/internalversion/printers.go, printPod. */

export const podColumns = columnsOf(
  'Name',
  'Ready',
  'Status',
  'Restarts',
  'Age',
  '*IP',
  '*Node',
  '*Nominated Node',
  '*Readiness Gates',
);

interface Summary {
  readonly reason: string;
  readonly restarts: number;
  /** Milliseconds since 1970; 0 for never. */
  readonly lastRestart: number;
  readonly ready: number;
}

function lastTermination({ lastState }: ContainerStatus): number {
  const time = Date.parse(lastState.terminated?.finishedAt ?? '');
  return Number.isNaN(time) ? 0 : time;
}

function restartsOf(statuses: readonly ContainerStatus[]): Pick<Summary, 'restarts' | 'lastRestart'> {
  return {
    restarts: statuses.reduce((sum, { restartCount }) => sum + restartCount, 0),
    lastRestart: Math.max(0, ...statuses.map(lastTermination)),
  };
}

/** Names of init containers that run beside the others. */
function sidecarNames({ spec }: Pod): ReadonlySet<string> {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  return new Set(sidecars.map(({ name }) => name));
}

function hasCondition({ status }: Pod, wanted: string): boolean {
  return (status?.conditions ?? []).some(({ type, status: value }) => type === wanted && value === 'True');
}

/** Why a container does not run, or does no longer; undefined where it runs. */
function stateReason({ waiting, terminated }: ContainerState): string | undefined {
  if ((waiting?.reason ?? '') !== '') return waiting?.reason;
  if (terminated === undefined) return undefined;
  if ((terminated.reason ?? '') !== '') return terminated.reason;
  const signal = terminated.signal ?? 0;
  return signal === 0 ? `ExitCode:${terminated.exitCode}` : `Signal:${signal}`;
}

/** The init container that the others wait for, by its index; -1 when all are done. */
function unfinishedInit(pod: Pod, sidecars: ReadonlySet<string>): number {
  return (pod.status?.initContainerStatuses ?? []).findIndex(({ name, state, started }) => {
    if (state.terminated?.exitCode === 0) return false;
    return !(sidecars.has(name) && started === true);
  });
}

function initReason(pod: Pod, index: number): string {
  const state = pod.status?.initContainerStatuses?.[index]?.state ?? {};
  const why = stateReason(state);
  const isWaiting = why === undefined || why === 'PodInitializing';
  return isWaiting ? `Init:${index}/${(pod.spec.initContainers ?? []).length}` : `Init:${why}`;
}

/** What the pod says of itself, where no container says more. */
function phaseReason({ status }: Pod): string {
  const isGated = (status?.conditions ?? []).some(
    ({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated',
  );
  if (isGated) return 'SchedulingGated';
  return (status?.reason ?? '') === '' ? (status?.phase ?? '') : (status?.reason ?? '');
}

function isReady({ ready, state }: ContainerStatus): boolean {
  return ready && state.running !== undefined;
}

function summaryOf(pod: Pod): Summary {
  const sidecars = sidecarNames(pod);
  const inits = pod.status?.initContainerStatuses ?? [];
  const unfinished = unfinishedInit(pod, sidecars);
  const begun = unfinished < 0 ? inits : inits.slice(0, unfinished + 1);
  const besides = begun.filter(({ name }) => sidecars.has(name));
  const readyBesides = besides.filter(({ started, ready }) => started === true && ready).length;
  if (unfinished >= 0 && !hasCondition(pod, 'Initialized'))
    return { reason: initReason(pod, unfinished), ready: readyBesides, ...restartsOf(begun) };
  const statuses = pod.status?.containerStatuses ?? [];
  // The first container has the last word.
  const told = statuses.map(({ state }) => stateReason(state)).find(reason => reason !== undefined);
  const ready = statuses.filter(own => stateReason(own.state) === undefined && isReady(own)).length;
  let reason = told ?? (unfinished < 0 ? phaseReason(pod) : initReason(pod, unfinished));
  if (reason === 'Completed' && ready > 0) reason = hasCondition(pod, 'Ready') ? 'Running' : 'NotReady';
  return { reason, ready: ready + readyBesides, ...restartsOf([...besides, ...statuses]) };
}

/** The STATUS of `kubectl get pods`. */
function statusText({ metadata, status }: Pod, reason: string): string {
  if (metadata.deletionTimestamp === undefined) return reason;
  if (status?.reason === 'NodeLost') return 'Unknown';
  return status?.phase === 'Failed' || status?.phase === 'Succeeded' ? reason : 'Terminating';
}

function orNone(text: string | undefined): string {
  return text === undefined || text === '' ? '<none>' : text;
}

function readinessGates(pod: Pod): string {
  const gates = pod.spec.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  return `${gates.filter(({ conditionType }) => hasCondition(pod, conditionType)).length}/${gates.length}`;
}

export function podCells(pod: Pod, now: number): readonly TableCell[] {
  const { metadata, spec, status } = pod;
  const { reason, restarts, lastRestart, ready } = summaryOf(pod);
  const ago = restarts > 0 && lastRestart > 0 ? ` (${humanDuration(now - lastRestart)} ago)` : '';
  return [
    metadata.name,
    `${ready}/${spec.containers.length + sidecarNames(pod).size}`,
    statusText(pod, reason),
    `${restarts}${ago}`,
    ageOf(metadata.creationTimestamp, now),
    orNone(status?.podIPs?.[0]?.ip ?? status?.podIP),
    orNone(spec.nodeName),
    '<none>',
    readinessGates(pod),
  ];
}
