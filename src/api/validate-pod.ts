import { isIP } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { duplicate, forbiddenField, invalidValue, notSupported, required } from './field-error.ts';
import { wrongLabelName, wrongSubdomain } from './names.ts';
import type { Container, Pod, PodSpec, Volume } from './pod.ts';
import type { StatusCause } from './status.ts';
import { validateContainer } from './validate-container.ts';
import { validateLabels, validateMetadata } from './validate-metadata.ts';

/* kubernetes, pkg/apis/core/validation/validation.go, with its texts. */

const restartPolicies = ['Always', 'OnFailure', 'Never'];
const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
const hostPathTypes = [
  '',
  'DirectoryOrCreate',
  'Directory',
  'FileOrCreate',
  'File',
  'Socket',
  'CharDevice',
  'BlockDevice',
];
const updateText =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

function validateVolume(volume: Volume, field: string): readonly StatusCause[] {
  const { name = '', ...sources } = volume;
  const causes: StatusCause[] = [];
  const wrongName = wrongLabelName(name);
  if (name === '') causes.push(required(`${field}.name`));
  else if (wrongName !== undefined) causes.push(invalidValue(`${field}.name`, name, wrongName));
  for (const extra of Object.keys(sources).slice(1))
    causes.push(forbiddenField(`${field}.${extra}`, 'may not specify more than 1 volume type'));
  if (volume.hostPath === undefined) return causes;
  const { path = '', type = '' } = volume.hostPath;
  if (path === '') causes.push(required(`${field}.hostPath.path`));
  if (path.split('/').includes('..'))
    causes.push(invalidValue(`${field}.hostPath.path`, path, "must not contain '..'"));
  if (!hostPathTypes.includes(type)) causes.push(notSupported(`${field}.hostPath.type`, type, hostPathTypes));
  return causes;
}

function validateVolumes(volumes: readonly Volume[]): readonly StatusCause[] {
  const names = new Set<string>();
  return volumes.flatMap((volume, index) => {
    const field = `spec.volumes[${index}]`;
    const causes = [...validateVolume(volume, field)];
    if (names.has(volume.name)) causes.push(duplicate(`${field}.name`, volume.name));
    names.add(volume.name);
    return causes;
  });
}

function validateHostPorts(spec: PodSpec): readonly StatusCause[] {
  const taken = new Set<string>();
  return spec.containers.flatMap(({ ports }, container) =>
    (ports ?? []).flatMap(({ hostPort = 0, hostIP = '', protocol = 'TCP', containerPort }, port) => {
      const field = `spec.containers[${container}].ports[${port}]`;
      if (hostPort === 0) return [];
      const causes: StatusCause[] = [];
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (taken.has(key)) causes.push(duplicate(`${field}.hostPort`, key));
      taken.add(key);
      if (spec.hostNetwork === true && hostPort !== containerPort) {
        const text = 'must match `hostPort` when `hostNetwork` is true';
        causes.push(invalidValue(`${field}.containerPort`, containerPort, text));
      }
      return causes;
    }),
  );
}

function validateContainers(spec: PodSpec): readonly StatusCause[] {
  const volumes = new Set((spec.volumes ?? []).map(({ name }) => name));
  const names = new Set<string>();
  const list = (containers: readonly Container[], field: string, init: boolean) =>
    containers.flatMap((container, index) => {
      const causes = [...validateContainer(container, `${field}[${index}]`, { volumes, init })];
      if (names.has(container.name)) causes.push(duplicate(`${field}[${index}].name`, container.name));
      names.add(container.name);
      return causes;
    });
  const app = list(spec.containers, 'spec.containers', false);
  const init = list(spec.initContainers ?? [], 'spec.initContainers', true);
  return [...(spec.containers.length === 0 ? [required('spec.containers')] : []), ...app, ...init];
}

function validateNumbers(spec: PodSpec): readonly StatusCause[] {
  const causes: StatusCause[] = [];
  const { activeDeadlineSeconds: deadline, terminationGracePeriodSeconds: grace } = spec;
  if (deadline !== undefined && (deadline < 1 || deadline > 0x7fff_ffff)) {
    const text = 'must be between 1 and 2147483647, inclusive';
    causes.push(invalidValue('spec.activeDeadlineSeconds', deadline, text));
  }
  if (grace !== undefined && grace < 0) {
    const text = 'must be greater than or equal to 0';
    causes.push(invalidValue('spec.terminationGracePeriodSeconds', grace, text));
  }
  return causes;
}

function validateNames(spec: PodSpec): readonly StatusCause[] {
  const causes: StatusCause[] = [];
  const check = (field: string, value: string | undefined, wrong: (text: string) => string | undefined) => {
    const text = value === undefined || value === '' ? undefined : wrong(value);
    if (text !== undefined) causes.push(invalidValue(field, value, text));
  };
  check('spec.hostname', spec.hostname, wrongLabelName);
  check('spec.subdomain', spec.subdomain, wrongLabelName);
  check('spec.nodeName', spec.nodeName, wrongSubdomain);
  for (const [index, { ip }] of (spec.hostAliases ?? []).entries()) {
    if (isIP(ip ?? '') === 0) {
      const text = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
      causes.push(invalidValue(`spec.hostAliases[${index}].ip`, ip ?? '', text));
    }
  }
  return causes;
}

function validatePolicies(spec: PodSpec): readonly StatusCause[] {
  const causes: StatusCause[] = [];
  const { restartPolicy, dnsPolicy } = spec;
  if (restartPolicy !== undefined && !restartPolicies.includes(restartPolicy))
    causes.push(notSupported('spec.restartPolicy', restartPolicy, restartPolicies));
  if (dnsPolicy !== undefined && !dnsPolicies.includes(dnsPolicy))
    causes.push(notSupported('spec.dnsPolicy', dnsPolicy, dnsPolicies));
  if (dnsPolicy === 'None' && (spec.dnsConfig?.nameservers ?? []).length === 0) {
    const text = 'must provide at least one DNS nameserver when `dnsPolicy` is None';
    causes.push(required('spec.dnsConfig.nameservers', text));
  }
  return causes;
}

/** What is wrong with a pod that has its defaults. */
export function validatePod({ metadata, spec }: Pod): readonly StatusCause[] {
  return [
    ...validateMetadata(metadata, { namespaced: true }),
    ...validateVolumes(spec.volumes ?? []),
    ...validateContainers(spec),
    ...validateHostPorts(spec),
    ...validatePolicies(spec),
    ...validateNumbers(spec),
    ...validateNames(spec),
    ...validateLabels(spec.nodeSelector, 'spec.nodeSelector'),
  ];
}

/** A spec without the fields that may change. */
function fixedSpec(spec: PodSpec): object {
  const bare = (containers: readonly Container[] | undefined) =>
    containers?.map(container => ({ ...container, image: '' }));
  return {
    ...spec,
    containers: bare(spec.containers),
    initContainers: bare(spec.initContainers),
    activeDeadlineSeconds: undefined,
    tolerations: undefined,
  };
}

/** What is wrong with a change of a pod. */
export function validatePodUpdate(pod: Pod, old: Pod): readonly StatusCause[] {
  const kept = (old.spec.tolerations ?? []).every(toleration =>
    (pod.spec.tolerations ?? []).some(other => isDeepStrictEqual(other, toleration)),
  );
  const before = old.spec.activeDeadlineSeconds;
  const after = pod.spec.activeDeadlineSeconds;
  const causes = [...validatePod(pod)];
  if (before !== undefined && (after === undefined || after > before)) {
    const text = `must be less than or equal to previous value`;
    causes.push(invalidValue('spec.activeDeadlineSeconds', after ?? null, text));
  }
  if (!kept || !isDeepStrictEqual(fixedSpec(pod.spec), fixedSpec(old.spec)))
    causes.push(forbiddenField('spec', updateText));
  return causes;
}

/** Fields that are kept but not acted on yet, for the Warning header: nothing is ignored in silence. */
export function podWarnings({ spec }: Pod): readonly string[] {
  const lists = { containers: spec.containers, initContainers: spec.initContainers ?? [] };
  const fields = ['livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle', 'restartPolicy'] as const;
  return Object.entries(lists).flatMap(([list, containers]) =>
    containers.flatMap((container, index) =>
      fields
        .filter(field => container[field] !== undefined)
        .map(field => `spec.${list}[${index}].${field}: hawser does not act on this field yet`),
    ),
  );
}
