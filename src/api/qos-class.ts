import type { Pod, PodStatus } from './pod.ts';

/** The quality-of-service class (Kubernetes, "Pod Quality of Service Classes"). */
export function qosClassOf({ spec }: Pod): NonNullable<PodStatus['qosClass']> {
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const amounts = containers.flatMap(({ resources }) =>
    (['cpu', 'memory'] as const).map(name => ({
      limit: resources?.limits?.[name],
      request: resources?.requests?.[name],
    })),
  );
  if (amounts.every(({ limit, request }) => limit === undefined && request === undefined))
    return 'BestEffort';
  const guaranteed = amounts.every(
    ({ limit, request }) => limit !== undefined && (request ?? limit) === limit,
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
