import { isDeepStrictEqual } from 'node:util';
import type { Container, Pod, PodSpec, Toleration } from '../pod.ts';
import type { StatusCause } from '../status.ts';
import { forbiddenField, invalidValue, required } from './field-error.ts';
import { validateMetadata } from './validate-metadata.ts';
import { validateTolerations } from './validate-tolerations.ts';

const updateText =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

const lists = ['containers', 'initContainers'] as const;

/** A spec without the fields that may change. */
function fixedSpec(spec: PodSpec): object {
  const bare = (containers: readonly Container[] = []) =>
    containers.map(container => ({ ...container, image: '' }));
  const {
    activeDeadlineSeconds: _deadline,
    tolerations: _tolerations,
    schedulingGates: _gates,
    ...fixed
  } = spec;
  return { ...fixed, containers: bare(spec.containers), initContainers: bare(spec.initContainers) };
}

function validateImages(spec: PodSpec): readonly StatusCause[] {
  return lists.flatMap(list =>
    (spec[list] ?? []).flatMap(({ image = '' }, index) => {
      const field = `spec.${list}[${index}].image`;
      if (image === '') return [required(field)];
      return image === image.trim()
        ? []
        : [invalidValue(field, image, 'must not have leading or trailing whitespace')];
    }),
  );
}

function validateDeadline(before: number | undefined, after: number | undefined): readonly StatusCause[] {
  const field = 'spec.activeDeadlineSeconds';
  if (after === undefined) {
    const text = 'must not update from a positive integer to nil value';
    return before === undefined ? [] : [invalidValue(field, null, text)];
  }
  if (after < 0 || after > 0x7fff_ffff)
    return [invalidValue(field, after, 'must be between 0 and 2147483647, inclusive')];
  const isLater = before !== undefined && after > before;
  return isLater ? [invalidValue(field, after, 'must be less than or equal to previous value')] : [];
}

function withoutSeconds(toleration: Toleration): object {
  const { tolerationSeconds: _, ...rest } = toleration;
  return rest;
}

function validateTolerationsUpdate(spec: PodSpec, old: PodSpec): readonly StatusCause[] {
  const now = (spec.tolerations ?? []).map(withoutSeconds);
  const kept = (old.tolerations ?? []).every(toleration =>
    now.some(other => isDeepStrictEqual(other, withoutSeconds(toleration))),
  );
  if (kept) return validateTolerations(spec.tolerations);
  const text = 'existing toleration can not be modified except its tolerationSeconds';
  return [forbiddenField('spec.tolerations', text)];
}

function validateGates(gates: readonly string[], old: readonly string[]): readonly StatusCause[] {
  return gates.flatMap((name, index) => {
    const text = `only deletion is allowed, but found new scheduling gate '${name}'`;
    return old.includes(name) ? [] : [forbiddenField(`spec.schedulingGates[${index}].name`, text)];
  });
}

function gateNames({ schedulingGates = [] }: PodSpec): readonly string[] {
  return schedulingGates.map(({ name }) => name);
}

/** What is wrong with a change of a pod (ValidatePodUpdate). */
export function validatePodUpdate({ metadata, spec }: Pod, { spec: old }: Pod): readonly StatusCause[] {
  const causes = validateMetadata(metadata, { namespaced: true });
  const changed = lists.find(list => (spec[list] ?? []).length !== (old[list] ?? []).length);
  if (changed !== undefined) {
    const text = 'pod updates may not add or remove containers';
    return [...causes, forbiddenField(`spec.${changed}`, text)];
  }
  const isSame = isDeepStrictEqual(fixedSpec(spec), fixedSpec(old));
  return [
    ...causes,
    ...validateImages(spec),
    ...validateDeadline(old.activeDeadlineSeconds, spec.activeDeadlineSeconds),
    ...validateTolerationsUpdate(spec, old),
    ...validateGates(gateNames(spec), gateNames(old)),
    ...(isSame ? [] : [forbiddenField('spec', updateText)]),
  ];
}
