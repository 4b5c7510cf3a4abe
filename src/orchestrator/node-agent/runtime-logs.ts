import type { PodLogRequest, PodLogSource } from '../apiserver/pod-logs.ts';
import { observePod } from './observed-pod.ts';
import type { PodRuntime } from './pod-runtime.ts';

/** Logs of the pods of this node. */
export function runtimeLogs(runtime: PodRuntime): PodLogSource {
  return {
    async openLog(request: PodLogRequest) {
      const { pod, container, previous, follow, tail, since, timestamps, signal } = request;
      const observed = observePod(pod.metadata.uid ?? '', await runtime.listContainers());
      const attempts = observed.attempts.get(container)?.filter(({ state }) => state !== 'created') ?? [];
      const [latest, before] = attempts;
      // The latest one may have ended and wait for its next start: then `previous` is that one, as in Kubernetes.
      const chosen = previous ? (before ?? (latest?.state === 'exited' ? latest : undefined)) : latest;
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
