import type { ContainerStateTerminated, ContainerStatus, PodStatus } from '../../api/pod.ts';
import { containerIDOf } from './container-uri.ts';
import { containerNameLabel, restartCountLabel, restartCountOf, sandboxIDLabel } from './pod-labels.ts';
import type { RuntimeContainer } from './pod-runtime.ts';

/** The end of one that ran when it was last seen (kubelet, convertToAPIContainerStatuses). */
function endOfRunning(startedAt: string, containerID: string): ContainerStateTerminated {
  return {
    containerID,
    exitCode: 137,
    reason: 'ContainerStatusUnknown',
    message: 'The container could not be located when the pod was terminated',
    startedAt,
  };
}

function endOf({ state, lastState, containerID = '' }: ContainerStatus) {
  if (state.running !== undefined) return endOfRunning(state.running.startedAt, containerID);
  return state.terminated ?? lastState.terminated;
}

/** Times of the API are whole seconds. */
function isOf(sandbox: RuntimeContainer | undefined, ended: ContainerStateTerminated): boolean {
  return sandbox !== undefined && Date.parse(ended.startedAt ?? '') + 999 >= Date.parse(sandbox.createdAt);
}

function lostContainer(
  status: ContainerStatus,
  ended: ContainerStateTerminated,
  sandbox: RuntimeContainer | undefined,
): RuntimeContainer {
  const { startedAt, finishedAt } = ended;
  return {
    id: containerIDOf(status.containerID ?? ''),
    kind: 'container',
    state: 'exited',
    labels: {
      [containerNameLabel]: status.name,
      [restartCountLabel]: String(status.restartCount),
      ...(sandbox !== undefined && isOf(sandbox, ended) ? { [sandboxIDLabel]: sandbox.id } : {}),
    },
    image: status.image,
    imageID: status.imageID,
    createdAt: startedAt ?? '',
    exitCode: ended.exitCode,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
    lost: ended,
  };
}

/**
 * Containers that the API tells of and that somebody has removed from the runtime, as ended ones: a pod must neither
 * forget what has run, nor run again what has done its work.
 *
 * @param found those of the pod that the runtime has
 */
export function lostContainers(
  status: PodStatus | undefined,
  found: ReadonlyMap<string, readonly RuntimeContainer[]>,
  sandbox: RuntimeContainer | undefined,
): readonly RuntimeContainer[] {
  const told = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return told.flatMap(own => {
    const ended = endOf(own);
    const [newest] = found.get(own.name) ?? [];
    // What the API tells may lag behind.
    const isTold = newest !== undefined && restartCountOf(newest) >= own.restartCount;
    if (own.containerID === undefined || ended === undefined || isTold) return [];
    return [lostContainer(own, ended, sandbox)];
  });
}
