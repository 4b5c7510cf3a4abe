import type { Pod } from '../../api/pod.ts';
import type { PodLogRequest, PodLogSource } from '../apiserver/pod-logs.ts';
import { containerURI } from './container-uri.ts';
import { observePod } from './observed-pod.ts';
import type { PodRuntime, RuntimeContainer } from './pod-runtime.ts';

/** The attempt of lastState: the latest one itself where that has ended and waits for its next start. */
function previousOf(
  { status }: Pod,
  container: string,
  attempts: readonly RuntimeContainer[],
): RuntimeContainer | undefined {
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  const last = statuses.find(({ name }) => name === container)?.lastState.terminated?.containerID;
  return attempts.find(({ id }) => containerURI(id) === last) ?? attempts[1];
}

/** Logs of the pods of this node. */
export function runtimeLogs(runtime: PodRuntime): PodLogSource {
  return {
    async openLog(request: PodLogRequest) {
      const { pod, container, previous, follow, tail, since, timestamps, signal } = request;
      const observed = observePod(pod.metadata.uid ?? '', await runtime.listContainers());
      const attempts = observed.attempts.get(container)?.filter(({ state }) => state !== 'created') ?? [];
      const chosen = previous ? previousOf(pod, container, attempts) : attempts[0];
      if (chosen === undefined) return undefined;
      return runtime.logs(chosen.id, {
        follow: follow && chosen.state === 'running',
        ...(tail === undefined ? {} : { tail }),
        ...(since === undefined ? {} : { since }),
        timestamps,
        signal,
      });
    },
  };
}
