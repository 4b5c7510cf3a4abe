import type { Node } from '../../api/node.ts';
import type { ContainerPort, Pod, Toleration } from '../../api/pod.ts';
import { parseQuantity } from '../../api/quantity.ts';
import { addAmounts, podRequests } from './pod-requests.ts';

/* Why a pod does not fit on a node; texts of kubernetes, pkg/scheduler/framework/plugins. */

interface HostPort {
  readonly hostIP: string;
  readonly hostPort: number;
  readonly protocol: string;
}

function hostPortsOf({ spec }: Pod): readonly HostPort[] {
  const ports = spec.containers.flatMap((container): readonly ContainerPort[] => container.ports ?? []);
  return ports.flatMap(({ hostPort = 0, hostIP = '', protocol = 'TCP' }) =>
    hostPort === 0 ? [] : [{ hostPort, hostIP: hostIP === '' ? '0.0.0.0' : hostIP, protocol }],
  );
}

function collide(a: HostPort, b: HostPort): boolean {
  const sameAddress = a.hostIP === b.hostIP || a.hostIP === '0.0.0.0' || b.hostIP === '0.0.0.0';
  return a.hostPort === b.hostPort && a.protocol === b.protocol && sameAddress;
}

type Taint = NonNullable<NonNullable<Node['spec']>['taints']>[number];

function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect !== undefined && toleration.effect !== '' && toleration.effect !== taint.effect)
    return false;
  if (toleration.operator === 'Exists') return (toleration.key ?? '') === '' || toleration.key === taint.key;
  return toleration.key === taint.key && (toleration.value ?? '') === (taint.value ?? '');
}

type Filter = (pod: Pod, node: Node, onNode: readonly Pod[]) => readonly string[];

/** Every node has them, whether it says so or not; of others, it has what it says. */
const ownResources = new Set(['cpu', 'memory', 'ephemeral-storage', 'pods']);

const enoughResources: Filter = (pod, { status }, onNode) => {
  const allocatable = new Map(Object.entries(status?.allocatable ?? {}));
  const free = (name: string) => {
    const amount = allocatable.get(name);
    if (amount === undefined) return ownResources.has(name) ? Number.POSITIVE_INFINITY : 0;
    return parseQuantity(amount);
  };
  const wanted = podRequests(pod);
  const taken = addAmounts(...onNode.map(podRequests));
  const lacking = [...wanted].filter(
    ([name, amount]) => amount > 0 && amount > free(name) - (taken.get(name) ?? 0),
  );
  return [
    ...(onNode.length + 1 > free('pods') ? ['Too many pods'] : []),
    ...lacking.map(([name]) => `Insufficient ${name}`),
  ];
};

/** In the order in which they are asked. */
const filters: readonly Filter[] = [
  (_, node) => (node.spec?.unschedulable === true ? ['node(s) were unschedulable'] : []),
  (pod, node) => {
    const taint = (node.spec?.taints ?? []).find(
      own =>
        own.effect !== 'PreferNoSchedule' &&
        !(pod.spec.tolerations ?? []).some(toleration => tolerates(toleration, own)),
    );
    return taint === undefined ? [] : [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`];
  },
  (pod, node) => {
    const labels = new Map(Object.entries(node.metadata.labels ?? {}));
    const wanted = Object.entries(pod.spec.nodeSelector ?? {});
    const fits = wanted.every(([key, value]) => labels.get(key) === value);
    return fits ? [] : ["node(s) didn't match Pod's node affinity/selector"];
  },
  (pod, _, onNode) => {
    const taken = onNode.flatMap(hostPortsOf);
    const clash = hostPortsOf(pod).some(port => taken.some(other => collide(port, other)));
    return clash ? ["node(s) didn't have free ports for the requested pod ports"] : [];
  },
  enoughResources,
];

/** Why a pod does not fit on a node, beside those that are on it; nothing where it does. */
export function unfitReasons(pod: Pod, node: Node, onNode: readonly Pod[]): readonly string[] {
  for (const filter of filters) {
    const reasons = filter(pod, node, onNode);
    if (reasons.length > 0) return reasons;
  }
  return [];
}
