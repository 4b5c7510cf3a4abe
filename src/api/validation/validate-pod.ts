import { isIP } from 'node:net';
import { wrongLabelName, wrongSubdomain } from '../names.ts';
import type { Container, Pod, PodSpec } from '../pod.ts';
import type { StatusCause } from '../status.ts';
import { duplicate, forbiddenField, invalidValue, notSupported, required } from './field-error.ts';
import { validateContainer } from './validate-container.ts';
import { validateDNS } from './validate-dns.ts';
import { checkName, validateLabels, validateMetadata } from './validate-metadata.ts';
import { validateHostPorts } from './validate-ports.ts';
import { validatePodSecurity } from './validate-security.ts';
import { validateTolerations } from './validate-tolerations.ts';
import { validateVolumes } from './validate-volumes.ts';

/* kubernetes, pkg/apis/core/validation/validation.go, with its texts; so are all files of this folder. */

const restartPolicies = ['Always', 'OnFailure', 'Never'];

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

function validateHostAliases(aliases: PodSpec['hostAliases'] = []): readonly StatusCause[] {
  return aliases.flatMap(({ ip = '', hostnames = [] }, index) => {
    const field = `spec.hostAliases[${index}]`;
    const text = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
    return [
      ...(isIP(ip) === 0 ? [invalidValue(`${field}.ip`, ip, text)] : []),
      ...hostnames.flatMap((name, at) => checkName(`${field}.hostnames[${at}]`, name, wrongSubdomain)),
    ];
  });
}

function validateNames(spec: PodSpec): readonly StatusCause[] {
  const checks = {
    hostname: wrongLabelName,
    subdomain: wrongLabelName,
    nodeName: wrongSubdomain,
    serviceAccountName: wrongSubdomain,
  } as const;
  const causes = Object.entries(checks).flatMap(([field, check]) => {
    const value = spec[field as keyof typeof checks] ?? '';
    return value === '' ? [] : checkName(`spec.${field}`, value, check);
  });
  return [...causes, ...validateHostAliases(spec.hostAliases)];
}

function validateRestartPolicy({ restartPolicy = 'Always' }: PodSpec): readonly StatusCause[] {
  if (restartPolicies.includes(restartPolicy)) return [];
  return [notSupported('spec.restartPolicy', restartPolicy, restartPolicies)];
}

/** What is wrong with a pod that has its defaults. */
export function validatePod({ metadata, spec }: Pod): readonly StatusCause[] {
  const ephemeral = (spec.ephemeralContainers ?? []).length > 0;
  return [
    ...validateMetadata(metadata, { namespaced: true }),
    ...validateVolumes(spec.volumes ?? []),
    ...validateContainers(spec),
    ...(ephemeral ? [forbiddenField('spec.ephemeralContainers', 'cannot be set on create')] : []),
    ...validateHostPorts(spec),
    ...validateRestartPolicy(spec),
    ...validateDNS(spec),
    ...validateNumbers(spec),
    ...validatePodSecurity(spec),
    ...validateNames(spec),
    ...validateLabels(spec.nodeSelector, 'spec.nodeSelector'),
    ...validateTolerations(spec.tolerations),
  ];
}
