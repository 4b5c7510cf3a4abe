import { ageOf } from './human-duration.ts';
import type { ApiObject } from './object-meta.ts';
import { columnsOf, type TableCell } from './table.ts';

/** core/v1 Node: the fields that hawser reads or writes. */
export interface Node extends ApiObject {
  readonly kind: 'Node';
  readonly spec?: {
    readonly unschedulable?: boolean;
    readonly podCIDR?: string;
    readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
  };
  readonly status?: NodeStatus;
}

export interface NodeStatus {
  readonly capacity?: Readonly<Record<string, string>>;
  readonly allocatable?: Readonly<Record<string, string>>;
  readonly conditions?: readonly NodeCondition[];
  readonly addresses?: readonly { readonly type: string; readonly address: string }[];
  readonly nodeInfo?: Readonly<Record<string, string>>;
}

export interface NodeCondition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason?: string;
  readonly message?: string;
  readonly lastHeartbeatTime?: string;
  readonly lastTransitionTime?: string;
}

export const nodeColumns = columnsOf(
  'Name',
  'Status',
  'Roles',
  'Age',
  'Version',
  '*Internal-IP',
  '*External-IP',
  '*OS-Image',
  '*Kernel-Version',
  '*Container-Runtime',
);

const rolePrefix = 'node-role.kubernetes.io/';

function statusText({ spec, status }: Node): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const state = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return spec?.unschedulable === true ? `${state},SchedulingDisabled` : state;
}

function rolesOf({ metadata }: Node): string {
  const roles = Object.keys(metadata.labels ?? {})
    .filter(key => key.startsWith(rolePrefix))
    .map(key => key.slice(rolePrefix.length));
  return roles.length === 0 ? '<none>' : roles.sort().join(',');
}

/** kubernetes, pkg/printers/internalversion/printers.go, printNode. */
export function nodeCells(node: Node, now: number): readonly TableCell[] {
  const { metadata, status } = node;
  const info = status?.nodeInfo ?? {};
  const address = (type: string) => status?.addresses?.find(own => own.type === type)?.address ?? '<none>';
  const known = (text: string | undefined) => (text === undefined || text === '' ? '<unknown>' : text);
  return [
    metadata.name,
    statusText(node),
    rolesOf(node),
    ageOf(metadata.creationTimestamp, now),
    info['kubeletVersion'] ?? '',
    address('InternalIP'),
    address('ExternalIP'),
    known(info['osImage']),
    known(info['kernelVersion']),
    known(info['containerRuntimeVersion']),
  ];
}
