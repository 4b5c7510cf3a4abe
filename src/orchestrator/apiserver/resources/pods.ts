import { defaultPod } from '../../../api/defaults.ts';
import type { Pod, PodCondition, PodStatus } from '../../../api/pod.ts';
import { podCells, podColumns } from '../../../api/pod-row.ts';
import { podWarnings } from '../../../api/pod-warnings.ts';
import { qosClassOf } from '../../../api/qos-class.ts';
import { validatePod } from '../../../api/validation/validate-pod.ts';
import { validatePodUpdate } from '../../../api/validation/validate-pod-update.ts';
import type { ResourceDefinition } from '../resource-definition.ts';

/** kubernetes, pkg/registry/core/pod/strategy.go CheckGracefulDelete. */
function gracePeriod({ spec, status }: Pod, wanted: number | undefined): number {
  if ((spec.nodeName ?? '') === '') return 0;
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return 0;
  const seconds = wanted ?? spec.terminationGracePeriodSeconds ?? 30;
  // A negative period has always meant the shortest one.
  return seconds < 0 ? 1 : seconds;
}

/** Of a pod that nobody has looked after yet. */
function firstStatus(pod: Pod): PodStatus {
  const status: PodStatus = { phase: 'Pending', qosClass: qosClassOf(pod) };
  if ((pod.spec.schedulingGates ?? []).length === 0) return status;
  const message = 'Scheduling is blocked due to non-empty scheduling gates';
  const gated: PodCondition = { type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message };
  return { ...status, conditions: [gated] };
}

export const pods: ResourceDefinition<Pod> = {
  group: '',
  version: 'v1',
  kind: 'Pod',
  resource: 'pods',
  singular: 'pod',
  namespaced: true,
  shortNames: ['po'],
  categories: ['all'],
  subresources: [
    { name: 'status', verbs: ['get', 'patch', 'update'] },
    { name: 'log', verbs: ['get'] },
  ],
  deletesCollections: true,
  tracksGeneration: true,
  columns: podColumns,
  cells: podCells,
  fields: ({ spec, status }) => ({
    'spec.nodeName': spec.nodeName ?? '',
    'spec.restartPolicy': spec.restartPolicy ?? '',
    'spec.schedulerName': spec.schedulerName ?? '',
    'spec.serviceAccountName': spec.serviceAccountName ?? '',
    'spec.hostNetwork': String(spec.hostNetwork === true),
    'status.phase': status?.phase ?? '',
    'status.podIP': status?.podIP ?? '',
    'status.nominatedNodeName': '',
  }),
  withDefaults: defaultPod,
  initialize: pod => ({ ...pod, status: firstStatus(pod) }),
  validate: validatePod,
  validateUpdate: validatePodUpdate,
  warnings: podWarnings,
  gracePeriod,
};
