import { wrongQualifiedName } from '../names.ts';
import type { EnvVar } from '../pod.ts';
import type { StatusCause } from '../status.ts';
import { invalidValue, notSupported, required } from './field-error.ts';
import { checkName } from './validate-metadata.ts';

/** What a variable may show of its pod. */
const fieldPaths = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];

type FieldRef = NonNullable<NonNullable<EnvVar['valueFrom']>['fieldRef']>;

function validateFieldRef(
  { apiVersion = '', fieldPath = '' }: FieldRef,
  field: string,
): readonly StatusCause[] {
  if (apiVersion === '') return [required(`${field}.apiVersion`)];
  if (fieldPath === '') return [required(`${field}.fieldPath`)];
  const [, map, key = ''] = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath) ?? [];
  if (map !== undefined)
    return checkName(field, map === 'labels' ? key : key.toLowerCase(), wrongQualifiedName);
  if (fieldPaths.includes(fieldPath)) return [];
  if (fieldPath === 'metadata.labels' || fieldPath === 'metadata.annotations')
    return [notSupported(`${field}.fieldPath`, fieldPath, fieldPaths)];
  const text = `error converting fieldPath: field label not supported: ${fieldPath}`;
  return [invalidValue(`${field}.fieldPath`, fieldPath, text)];
}

function validateSource({ value = '', valueFrom = {} }: EnvVar, field: string): readonly StatusCause[] {
  const sources = Object.keys(valueFrom).length;
  const own =
    valueFrom.fieldRef === undefined ? [] : validateFieldRef(valueFrom.fieldRef, `${field}.fieldRef`);
  const wrong = (text: string) => [...own, invalidValue(field, '', text)];
  if (sources === 0) {
    return wrong(
      'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
    );
  }
  if (value !== '') return wrong('may not be specified when `value` is not empty');
  return sources > 1 ? wrong('may not have more than one field specified at a time') : own;
}

function validateVariable(variable: EnvVar, field: string): readonly StatusCause[] {
  const { name = '', valueFrom } = variable;
  const causes: StatusCause[] = [];
  if (name === '') causes.push(required(`${field}.name`));
  else if (name.includes('=') || !/^[ -~]+$/.test(name)) {
    const text =
      "a valid environment variable name must consist only of printable ASCII characters other than '='";
    causes.push(invalidValue(`${field}.name`, name, text));
  }
  return valueFrom === undefined ? causes : [...causes, ...validateSource(variable, `${field}.valueFrom`)];
}

export function validateEnvironment(variables: readonly EnvVar[], field: string): readonly StatusCause[] {
  return variables.flatMap((variable, index) => validateVariable(variable, `${field}[${index}]`));
}
