import {
  type NameCheck,
  wrongLabelName,
  wrongLabelValue,
  wrongQualifiedName,
  wrongSubdomain,
} from '../names.ts';
import type { ObjectMeta } from '../object-meta.ts';
import type { StatusCause } from '../status.ts';
import { forbiddenField, invalidValue, required } from './field-error.ts';

/** Bytes: apimachinery pkg/api/validation, TotalAnnotationSizeLimitB. */
const ANNOTATIONS_LIMIT = 262_144;

/** One cause for each thing that is wrong with a name. */
export function checkName(field: string, value: string, check: NameCheck): readonly StatusCause[] {
  return check(value).map(why => invalidValue(field, value, why));
}

export function validateLabels(
  labels: Readonly<Record<string, string>> | undefined,
  field: string,
): readonly StatusCause[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...checkName(field, key, wrongQualifiedName),
    ...checkName(field, value, wrongLabelValue),
  ]);
}

function validateAnnotations(annotations: Readonly<Record<string, string>> = {}): readonly StatusCause[] {
  const field = 'metadata.annotations';
  const entries = Object.entries(annotations);
  const size = entries.reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
  // The case of keys does not matter here.
  const causes = entries.flatMap(([key]) =>
    checkName(field, key, text => wrongQualifiedName(text.toLowerCase())),
  );
  if (size <= ANNOTATIONS_LIMIT) return causes;
  const message = `Too long: may not be more than ${ANNOTATIONS_LIMIT} bytes`;
  return [...causes, { reason: 'FieldValueTooLong', field, message }];
}

function validateOwners(owners: ObjectMeta['ownerReferences'] = []): readonly StatusCause[] {
  const field = 'metadata.ownerReferences';
  const causes = owners.flatMap((owner, index) =>
    (['apiVersion', 'kind', 'name', 'uid'] as const).flatMap(name => {
      const why = name === 'apiVersion' ? 'version must not be empty' : 'must not be empty';
      return (owner[name] ?? '') === '' ? [invalidValue(`${field}[${index}].${name}`, '', why)] : [];
    }),
  );
  const [first, second] = owners.filter(({ controller }) => controller === true);
  if (first === undefined || second === undefined) return causes;
  const why = `Only one reference can have Controller set to true. Found "true" in references for ${first.kind}/${first.name} and ${second.kind}/${second.name}`;
  return [...causes, invalidValue(field, owners, why)];
}

/** A base may end with a hyphen: something follows it. */
function wrongBase(check: NameCheck): NameCheck {
  return text => check(text.length > 1 && text.endsWith('-') ? `${text.slice(0, -2)}a` : text);
}

function validateName(
  { name = '', generateName = '' }: ObjectMeta,
  check: NameCheck,
): readonly StatusCause[] {
  return [
    ...(generateName === '' ? [] : checkName('metadata.generateName', generateName, wrongBase(check))),
    ...(name === ''
      ? [required('metadata.name', 'name or generateName is required')]
      : checkName('metadata.name', name, check)),
  ];
}

function validateNamespace({ namespace = '' }: ObjectMeta, namespaced: boolean): readonly StatusCause[] {
  const field = 'metadata.namespace';
  if (!namespaced) return namespace === '' ? [] : [forbiddenField(field, 'not allowed on this type')];
  return namespace === '' ? [required(field)] : checkName(field, namespace, wrongLabelName);
}

/** apimachinery pkg/api/validation/objectmeta.go ValidateObjectMeta. */
export function validateMetadata(
  metadata: ObjectMeta,
  options: { readonly namespaced: boolean; readonly wrongName?: NameCheck },
): readonly StatusCause[] {
  return [
    ...validateName(metadata, options.wrongName ?? wrongSubdomain),
    ...validateNamespace(metadata, options.namespaced),
    ...validateLabels(metadata.labels, 'metadata.labels'),
    ...validateAnnotations(metadata.annotations),
    ...validateOwners(metadata.ownerReferences),
    ...(metadata.finalizers ?? []).flatMap(finalizer =>
      checkName('metadata.finalizers', finalizer, wrongQualifiedName),
    ),
  ];
}
