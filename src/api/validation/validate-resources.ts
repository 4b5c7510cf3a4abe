import { wrongQualifiedName } from '../names.ts';
import type { Container, ResourceList } from '../pod.ts';
import { parseQuantity } from '../quantity.ts';
import type { StatusCause } from '../status.ts';
import { invalidValue } from './field-error.ts';
import { checkName } from './validate-metadata.ts';

const standardNames = ['cpu', 'memory', 'ephemeral-storage'];

function validateName(name: string, field: string): readonly StatusCause[] {
  const causes = checkName(field, name, wrongQualifiedName);
  if (name.includes('/') || standardNames.includes(name) || name.startsWith('hugepages-')) return causes;
  return [...causes, invalidValue(field, name, 'must be a standard resource for containers')];
}

function validateList(list: ResourceList, field: string): readonly StatusCause[] {
  return Object.entries(list).flatMap(([name, amount]) => {
    const at = `${field}[${name}]`;
    const text = 'must be greater than or equal to 0';
    return [
      ...validateName(name, at),
      ...(parseQuantity(amount) < 0 ? [invalidValue(at, amount, text)] : []),
    ];
  });
}

export function validateResources(
  { limits = {}, requests = {} }: NonNullable<Container['resources']>,
  field: string,
): readonly StatusCause[] {
  const tooMuch = Object.entries(requests).flatMap(([name, amount]) => {
    const limit = Object.hasOwn(limits, name) ? limits[name] : undefined;
    if (limit === undefined || parseQuantity(amount) <= parseQuantity(limit)) return [];
    const text = `must be less than or equal to ${name} limit of ${limit}`;
    return [invalidValue(`${field}.requests`, amount, text)];
  });
  return [
    ...validateList(limits, `${field}.limits`),
    ...validateList(requests, `${field}.requests`),
    ...tooMuch,
  ];
}
