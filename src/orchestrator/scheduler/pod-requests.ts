import type { Container, Pod } from '../../api/pod.ts';
import { parseQuantity } from '../../api/quantity.ts';

/** Amounts by the name of a resource. */
export type Amounts = ReadonlyMap<string, number>;

export function addAmounts(...lists: readonly Amounts[]): Amounts {
  const sum = new Map<string, number>();
  for (const list of lists) for (const [name, amount] of list) sum.set(name, (sum.get(name) ?? 0) + amount);
  return sum;
}

function greater(a: Amounts, b: Amounts): Amounts {
  const greatest = new Map(a);
  for (const [name, amount] of b) greatest.set(name, Math.max(amount, greatest.get(name) ?? 0));
  return greatest;
}

function requestsOf({ resources }: Container): Amounts {
  return new Map(
    Object.entries(resources?.requests ?? {}).map(([name, amount]) => [name, parseQuantity(amount)]),
  );
}

/**
 * What a pod needs of a node: that of all its containers, or of an init container that needs more while it runs
 * (Kubernetes, "Init Containers", "Resource sharing within containers", and the same of sidecars).
 */
export function podRequests({ spec }: Pod): Amounts {
  let sidecars: Amounts = new Map();
  let most: Amounts = new Map();
  for (const container of spec.initContainers ?? []) {
    const own = addAmounts(sidecars, requestsOf(container));
    if (container.restartPolicy === 'Always') sidecars = own;
    most = greater(most, own);
  }
  return greater(most, addAmounts(sidecars, ...spec.containers.map(requestsOf)));
}
