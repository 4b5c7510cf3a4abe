import type { Container, Pod } from './pod.ts';

/* What the node agent does not do yet; a field that it learns to act on leaves these lists. */

const specFields = [
  'affinity',
  'hostUsers',
  'imagePullSecrets',
  'readinessGates',
  'runtimeClassName',
  'setHostnameAsFQDN',
  'topologySpreadConstraints',
];
const containerFields = [
  'envFrom',
  'lifecycle',
  'livenessProbe',
  'readinessProbe',
  'resizePolicy',
  'restartPolicy',
  'startupProbe',
  'volumeDevices',
];
const securityFields = ['appArmorProfile', 'procMount', 'seLinuxOptions', 'seccompProfile', 'windowsOptions'];

function fieldsOf(object: object | undefined, wanted: readonly string[], path: string): readonly string[] {
  const entries = Object.entries(object ?? {}) as readonly (readonly [string, unknown])[];
  // False, for a flag, is what is done anyway.
  return entries
    .filter(([name, value]) => wanted.includes(name) && value !== false)
    .map(([name]) => `${path}.${name}`);
}

function containerPaths(container: Container, path: string): readonly string[] {
  return [
    ...fieldsOf(container, containerFields, path),
    ...fieldsOf(container.securityContext, securityFields, `${path}.securityContext`),
  ];
}

/** Fields that are kept but not acted on yet, for the Warning header: nothing is ignored in silence. */
export function podWarnings({ spec }: Pod): readonly string[] {
  const lists = { initContainers: spec.initContainers ?? [], containers: spec.containers };
  const paths = [
    ...fieldsOf(spec, specFields, 'spec'),
    ...fieldsOf(spec.securityContext, securityFields, 'spec.securityContext'),
    ...Object.entries(lists).flatMap(([list, containers]) =>
      containers.flatMap((container, index) => containerPaths(container, `spec.${list}[${index}]`)),
    ),
  ];
  return paths.map(path => `${path}: hawser does not act on this field yet`);
}
