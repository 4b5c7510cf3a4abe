import { ageOf, humanDuration } from './human-duration.ts';
import type { Container, ContainerStatus, Pod } from './pod.ts';
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
}

function lastTermination({ lastState }: ContainerStatus): number {
  const time = Date.parse(lastState.terminated?.finishedAt ?? '');
  return Number.isNaN(time) ? 0 : time;
}

function countRestarts(statuses: readonly ContainerStatus[], reason: string): Summary {
  return {
    reason,
    restarts: statuses.reduce((sum, { restartCount }) => sum + restartCount, 0),
    lastRestart: Math.max(0, ...statuses.map(lastTermination)),
  };
}

function isSidecar(container: Container | undefined): boolean {
  return container?.restartPolicy === 'Always';
}

/** `Init:…` while init containers are at work; undefined when they are done. */
function initReason({ spec, status }: Pod): string | undefined {
  const containers = spec.initContainers ?? [];
  for (const [index, own] of (status?.initContainerStatuses ?? []).entries()) {
    const { terminated, waiting } = own.state;
    if (terminated?.exitCode === 0) continue;
    const sidecar = isSidecar(containers.find(({ name }) => name === own.name));
    if (sidecar && own.started === true) continue;
    if (terminated !== undefined) {
      if ((terminated.reason ?? '') !== '') return `Init:${terminated.reason}`;
      const signal = terminated.signal ?? 0;
      return signal === 0 ? `Init:ExitCode:${terminated.exitCode}` : `Init:Signal:${signal}`;
    }
    const why = waiting?.reason ?? '';
    if (why !== '' && why !== 'PodInitializing') return `Init:${why}`;
    return `Init:${index}/${containers.length}`;
  }
  return undefined;
}

function containerReason({ state }: ContainerStatus): string | undefined {
  const { waiting, terminated } = state;
  if ((waiting?.reason ?? '') !== '') return waiting?.reason;
  if (terminated === undefined) return undefined;
  if ((terminated.reason ?? '') !== '') return terminated.reason;
  const signal = terminated.signal ?? 0;
  return signal === 0 ? `ExitCode:${terminated.exitCode}` : `Signal:${signal}`;
}

function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;
}

/** What the containers say, the first of them last, as printPod goes through them. */
function summaryOf(pod: Pod): Summary {
  const { status } = pod;
  const init = initReason(pod);
  const phase = (status?.reason ?? '') === '' ? (status?.phase ?? '') : (status?.reason ?? '');
  if (init !== undefined) return countRestarts(status?.initContainerStatuses ?? [], init);
  const statuses = status?.containerStatuses ?? [];
  const reasons = statuses.map(containerReason).filter(reason => reason !== undefined);
  const running = statuses.some(({ state, ready }) => state.running !== undefined && ready);
  let reason = reasons[0] ?? phase;
  if (reason === 'Completed' && running) reason = isReady(pod) ? 'Running' : 'NotReady';
  return countRestarts(statuses, reason);
}

/** The STATUS of `kubectl get pods`. */
export function podStatusText(pod: Pod): string {
  const { reason } = summaryOf(pod);
  if (pod.metadata.deletionTimestamp === undefined) return reason;
  if (pod.status?.reason === 'NodeLost') return 'Unknown';
  const phase = pod.status?.phase;
  return phase === 'Failed' || phase === 'Succeeded' ? reason : 'Terminating';
}

function orNone(text: string | undefined): string {
  return text === undefined || text === '' ? '<none>' : text;
}

export function podCells(pod: Pod, now: number): readonly TableCell[] {
  const { metadata, spec, status } = pod;
  const { restarts, lastRestart } = summaryOf(pod);
  const ready = (status?.containerStatuses ?? []).filter(own => own.ready && own.state.running !== undefined);
  const ago = restarts > 0 && lastRestart > 0 ? ` (${humanDuration(now - lastRestart)} ago)` : '';
  return [
    metadata.name,
    `${ready.length}/${spec.containers.length}`,
    podStatusText(pod),
    `${restarts}${ago}`,
    ageOf(metadata.creationTimestamp, now),
    orNone(status?.podIP),
    orNone(spec.nodeName),
    '<none>',
    '<none>',
  ];
}
