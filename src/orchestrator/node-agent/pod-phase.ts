import type { Container, ContainerStatus, Pod, PodPhase } from '../../api/pod.ts';

interface Counts {
  readonly pendingInit: number;
  readonly failedInit: number;
  readonly unknown: number;
  readonly waiting: number;
  readonly running: number;
  readonly stopped: number;
  readonly succeeded: number;
}

function initState(status: ContainerStatus | undefined): 'done' | 'failed' | 'pending' {
  const ended = status?.state.terminated ?? (status?.state.waiting && status.lastState.terminated);
  if (ended === undefined) return 'pending';
  if (ended.exitCode !== 0) return 'failed';
  return status?.state.terminated === undefined ? 'pending' : 'done';
}

function appState(
  status: ContainerStatus | undefined,
): 'unknown' | 'running' | 'stopped' | 'succeeded' | 'waiting' {
  const { state, lastState } = status ?? { state: {}, lastState: {} };
  if (state.running !== undefined) return 'running';
  if (state.terminated !== undefined) return state.terminated.exitCode === 0 ? 'succeeded' : 'stopped';
  if (state.waiting === undefined) return 'unknown';
  return lastState.terminated === undefined ? 'waiting' : 'stopped';
}

function countStates(spec: Pod['spec'], statuses: ReadonlyMap<string, ContainerStatus>): Counts {
  const states = (containers: readonly Container[] | undefined) =>
    (containers ?? []).map(({ name }) => statuses.get(name));
  const init = states(spec.initContainers).map(initState);
  const app = states(spec.containers).map(appState);
  const of = (wanted: string) => app.filter(state => state === wanted).length;
  return {
    pendingInit: init.filter(state => state === 'pending').length,
    failedInit: init.filter(state => state === 'failed').length,
    unknown: of('unknown'),
    waiting: of('waiting'),
    running: of('running'),
    stopped: of('stopped') + of('succeeded'),
    succeeded: of('succeeded'),
  };
}

/** The phase of a pod from the states of its containers, as the kubelet's getPhase. */
export function phaseOf(spec: Pod['spec'], statuses: readonly ContainerStatus[]): PodPhase {
  const counts = countStates(spec, new Map(statuses.map(status => [status.name, status])));
  const policy = spec.restartPolicy ?? 'Always';
  if (counts.failedInit > 0 && policy === 'Never') return 'Failed';
  if (counts.pendingInit > 0 || counts.failedInit > 0 || counts.waiting > 0 || counts.unknown > 0)
    return 'Pending';
  if (counts.running > 0 || policy === 'Always') return 'Running';
  if (counts.stopped === counts.succeeded) return 'Succeeded';
  return policy === 'Never' ? 'Failed' : 'Running';
}
