import type { Pod, PodStatus, ResourceList } from './pod.ts';
import { parseQuantity } from './quantity.ts';

const resources = ['cpu', 'memory'] as const;

function amountOf(list: ResourceList | undefined, name: string): number {
  return list === undefined || !Object.hasOwn(list, name) ? 0 : parseQuantity(list[name] ?? '0');
}

/** kubernetes, pkg/apis/core/v1/helper/qos/qos.go ComputePodQOS; an amount of nothing is as none. */
export function qosClassOf({ spec }: Pod): NonNullable<PodStatus['qosClass']> {
  const amounts = [...(spec.initContainers ?? []), ...spec.containers].flatMap(container =>
    resources.map(name => ({
      limit: amountOf(container.resources?.limits, name),
      request: amountOf(container.resources?.requests, name),
    })),
  );
  if (amounts.every(({ limit, request }) => limit === 0 && request === 0)) return 'BestEffort';
  const isGuaranteed = amounts.every(({ limit, request }) => limit > 0 && limit === request);
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}
