import type { Node } from '../../api/node.ts';
import type { ContainerPort, Pod, Toleration } from '../../api/pod.ts';

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

type Filter = (pod: Pod, node: Node, onNode: readonly Pod[]) => string | undefined;

/** In the order in which they are asked. */
const filters: readonly Filter[] = [
  (_, node) => (node.spec?.unschedulable === true ? 'node(s) were unschedulable' : undefined),
  (pod, node) => {
    const taint = (node.spec?.taints ?? []).find(
      own =>
        own.effect !== 'PreferNoSchedule' &&
        !(pod.spec.tolerations ?? []).some(toleration => tolerates(toleration, own)),
    );
    return taint === undefined
      ? undefined
      : `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`;
  },
  (pod, node) => {
    const labels = node.metadata.labels ?? {};
    const fits = Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value);
    return fits ? undefined : "node(s) didn't match Pod's node affinity/selector";
  },
  (pod, _, onNode) => {
    const taken = onNode.flatMap(hostPortsOf);
    const clash = hostPortsOf(pod).some(port => taken.some(other => collide(port, other)));
    return clash ? "node(s) didn't have free ports for the requested pod ports" : undefined;
  },
];

/** Undefined where the pod fits. */
export function unfitReason(pod: Pod, node: Node, onNode: readonly Pod[]): string | undefined {
  for (const filter of filters) {
    const reason = filter(pod, node, onNode);
    if (reason !== undefined) return reason;
  }
  return undefined;
}
