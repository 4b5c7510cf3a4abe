import { wrongLabelName } from '../names.ts';
import type { Volume } from '../pod.ts';
import { parseQuantity } from '../quantity.ts';
import type { StatusCause } from '../status.ts';
import { duplicate, forbiddenField, invalidValue, notSupported, required } from './field-error.ts';
import { checkName } from './validate-metadata.ts';

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

/** A path without `..`, from which it could lead elsewhere. */
export function validateNoBacksteps(path: string, field: string): readonly StatusCause[] {
  return path.split('/').includes('..') ? [invalidValue(field, path, "must not contain '..'")] : [];
}

function validateHostPath(
  { path = '', type = '' }: NonNullable<Volume['hostPath']>,
  field: string,
): readonly StatusCause[] {
  return [
    ...(path === '' ? [required(`${field}.path`)] : validateNoBacksteps(path, `${field}.path`)),
    ...(hostPathTypes.includes(type) ? [] : [notSupported(`${field}.type`, type, hostPathTypes)]),
  ];
}

function validateVolume(volume: Volume, field: string): readonly StatusCause[] {
  const { name = '', ...sources } = volume;
  const causes =
    name === '' ? [required(`${field}.name`)] : [...checkName(`${field}.name`, name, wrongLabelName)];
  for (const extra of Object.keys(sources).slice(1))
    causes.push(forbiddenField(`${field}.${extra}`, 'may not specify more than 1 volume type'));
  const { emptyDir, hostPath } = volume;
  if (emptyDir?.sizeLimit !== undefined && parseQuantity(emptyDir.sizeLimit) < 0) {
    const text = 'SizeLimit field must be a valid resource quantity';
    causes.push(forbiddenField(`${field}.emptyDir.sizeLimit`, text));
  }
  if (hostPath !== undefined) causes.push(...validateHostPath(hostPath, `${field}.hostPath`));
  return causes;
}

export function validateVolumes(volumes: readonly Volume[]): readonly StatusCause[] {
  const names = new Set<string>();
  return volumes.flatMap((volume, index) => {
    const field = `spec.volumes[${index}]`;
    const causes = [...validateVolume(volume, field)];
    if (names.has(volume.name)) causes.push(duplicate(`${field}.name`, volume.name));
    names.add(volume.name);
    return causes;
  });
}
