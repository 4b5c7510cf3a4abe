import { forbiddenField, invalidValue, required } from './field-error.ts';
import { wrongLabelName, wrongLabelValue, wrongQualifiedName, wrongSubdomain } from './names.ts';
import type { ObjectMeta } from './object-meta.ts';
import type { StatusCause } from './status.ts';

/** Bytes: apimachinery pkg/api/validation, TotalAnnotationSizeLimitB. */
const ANNOTATIONS_LIMIT = 262_144;

function check(field: string, value: string, wrong: string | undefined): StatusCause[] {
  return wrong === undefined ? [] : [invalidValue(field, value, wrong)];
}

export function validateLabels(
  labels: Readonly<Record<string, string>> | undefined,
  field: string,
): readonly StatusCause[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...check(field, key, wrongQualifiedName(key)),
    ...check(field, value, wrongLabelValue(value)),
  ]);
}

function validateAnnotations(annotations: Readonly<Record<string, string>> | undefined): StatusCause[] {
  const entries = Object.entries(annotations ?? {});
  const field = 'metadata.annotations';
  const size = entries.reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
  const causes = entries.flatMap(([key]) => check(field, key, wrongQualifiedName(key.toLowerCase())));
  if (size <= ANNOTATIONS_LIMIT) return causes;
  const message = `Too long: may not be more than ${ANNOTATIONS_LIMIT} bytes`;
  return [...causes, { reason: 'FieldValueTooLong', field, message }];
}

/** apimachinery pkg/api/validation/objectmeta.go ValidateObjectMeta. */
export function validateMetadata(
  metadata: ObjectMeta,
  options: { readonly namespaced: boolean; readonly wrongName?: (name: string) => string | undefined },
): readonly StatusCause[] {
  const wrongName = options.wrongName ?? wrongSubdomain;
  const causes: StatusCause[] = [];
  if ((metadata.name ?? '') === '')
    causes.push(required('metadata.name', 'name or generateName is required'));
  else causes.push(...check('metadata.name', metadata.name, wrongName(metadata.name)));
  if (options.namespaced) {
    if (metadata.namespace === undefined) causes.push(required('metadata.namespace'));
    else causes.push(...check('metadata.namespace', metadata.namespace, wrongLabelName(metadata.namespace)));
  } else if (metadata.namespace !== undefined) {
    causes.push(forbiddenField('metadata.namespace', 'not allowed on this type'));
  }
  causes.push(...validateLabels(metadata.labels, 'metadata.labels'));
  causes.push(...validateAnnotations(metadata.annotations));
  for (const finalizer of metadata.finalizers ?? [])
    causes.push(...check('metadata.finalizers', finalizer, wrongQualifiedName(finalizer)));
  return causes;
}
