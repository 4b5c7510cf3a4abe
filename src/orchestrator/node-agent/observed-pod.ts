import type { PodStatus } from '../../api/pod.ts';
import { lostContainers } from './lost-containers.ts';
import { containerNameLabel, podUIDLabel, restartCountOf, sandboxIDLabel } from './pod-labels.ts';
import type { RuntimeContainer } from './pod-runtime.ts';

/** What the runtime has of one pod, and what it has lost of it. */
export interface ObservedPod {
  /** Newest first. */
  readonly sandboxes: readonly RuntimeContainer[];
  /** The one that runs. */
  readonly sandbox: RuntimeContainer | undefined;
  /** By container name, newest first. */
  readonly attempts: ReadonlyMap<string, readonly RuntimeContainer[]>;
}

function newestFirst(a: RuntimeContainer, b: RuntimeContainer): number {
  return restartCountOf(b) - restartCountOf(a) || b.createdAt.localeCompare(a.createdAt);
}

/** @param status of the pod, as the API has it: knows of containers that the runtime has lost */
export function observePod(
  uid: string,
  containers: readonly RuntimeContainer[],
  status?: PodStatus,
): ObservedPod {
  const own = containers.filter(({ labels }) => labels[podUIDLabel] === uid).sort(newestFirst);
  const attempts = new Map<string, RuntimeContainer[]>();
  for (const container of own) {
    if (container.kind === 'sandbox') continue;
    const name = container.labels[containerNameLabel] ?? '';
    attempts.set(name, [...(attempts.get(name) ?? []), container]);
  }
  const sandboxes = own.filter(({ kind }) => kind === 'sandbox');
  const sandbox = sandboxes.find(({ state }) => state === 'running');
  for (const lost of lostContainers(status, attempts, sandbox)) {
    const name = lost.labels[containerNameLabel] ?? '';
    attempts.set(name, [lost, ...(attempts.get(name) ?? [])]);
  }
  return { sandboxes, attempts, sandbox };
}

export function latestAttempt(observed: ObservedPod, name: string): RuntimeContainer | undefined {
  return observed.attempts.get(name)?.[0];
}

/** Whether a container belongs to the sandbox that runs now. */
export function isOfSandbox(observed: ObservedPod, container: RuntimeContainer): boolean {
  return observed.sandbox !== undefined && container.labels[sandboxIDLabel] === observed.sandbox.id;
}

export function allContainers(observed: ObservedPod): readonly RuntimeContainer[] {
  return [...observed.attempts.values()].flat();
}
