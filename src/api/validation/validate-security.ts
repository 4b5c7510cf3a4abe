import type { PodSpec, SecurityContext } from '../pod.ts';
import type { StatusCause } from '../status.ts';
import { duplicate, invalidValue, required } from './field-error.ts';

function validateID(id: number | undefined, field: string): readonly StatusCause[] {
  if (id === undefined || (id >= 0 && id <= 0x7fff_ffff)) return [];
  return [invalidValue(field, id, 'must be between 0 and 2147483647, inclusive')];
}

export function validateSecurityContext(context: SecurityContext, field: string): readonly StatusCause[] {
  const { runAsUser, runAsGroup, allowPrivilegeEscalation, privileged, capabilities } = context;
  const causes = [
    ...validateID(runAsUser, `${field}.runAsUser`),
    ...validateID(runAsGroup, `${field}.runAsGroup`),
  ];
  if (allowPrivilegeEscalation !== false) return causes;
  const cannot = 'cannot set `allowPrivilegeEscalation` to false and';
  if (privileged === true) causes.push(invalidValue(field, context, `${cannot} \`privileged\` to true`));
  if (capabilities?.add?.includes('CAP_SYS_ADMIN') === true)
    causes.push(invalidValue(field, context, `${cannot} \`capabilities.Add\` CAP_SYS_ADMIN`));
  return causes;
}

export function validatePodSecurity(spec: PodSpec): readonly StatusCause[] {
  const {
    runAsUser,
    runAsGroup,
    fsGroup,
    supplementalGroups = [],
    sysctls = [],
  } = spec.securityContext ?? {};
  const field = 'spec.securityContext';
  const names = new Set<string>();
  const wrongSysctls = sysctls.flatMap(({ name = '' }, index) => {
    const at = `${field}.sysctls[${index}].name`;
    const causes = name === '' ? [required(at)] : names.has(name) ? [duplicate(at, name)] : [];
    names.add(name);
    return causes;
  });
  const isShared = spec.shareProcessNamespace === true && spec.hostPID === true;
  const text = 'ShareProcessNamespace and HostPID cannot both be enabled';
  return [
    ...validateID(fsGroup, `${field}.fsGroup`),
    ...validateID(runAsUser, `${field}.runAsUser`),
    ...validateID(runAsGroup, `${field}.runAsGroup`),
    ...supplementalGroups.flatMap((id, index) => validateID(id, `${field}.supplementalGroups[${index}]`)),
    ...(isShared ? [invalidValue('spec.shareProcessNamespace', true, text)] : []),
    ...wrongSysctls,
  ];
}
