import { type DecodeProblem, decodeObject, type FieldPath, formatPath } from '../../api/decode.ts';
import type { Schema } from '../../api/schema/schema.ts';
import { resolveSchema, schemaOfKind } from '../../api/schema/schemas.ts';
import type { StatusCause } from '../../api/status.ts';
import { HawserError } from '../../errors/hawser-error.ts';
import { nearest } from '../../util/nearest.ts';
import type { ApiFailure } from './api-failure.ts';
import { type ManifestObject, objectField } from './manifest-object.ts';

/** `spec.containers[0].image` → its parts. */
export function parsePath(text: string): FieldPath {
  return [...text.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, name = '']) =>
    index === undefined ? name : Number(index),
  );
}

/** The names that may stand where a path ends. */
function siblingsOf(schema: Schema, path: FieldPath): readonly string[] {
  let current = resolveSchema(schema);
  for (const part of path.slice(0, -1)) {
    const next =
      typeof part === 'number' ? current.items : (current.properties?.[part] ?? current.additionalProperties);
    current = resolveSchema(next ?? {});
  }
  return Object.keys(current.properties ?? {});
}

function problemError(manifest: ManifestObject, schema: Schema, problem: DecodeProblem): HawserError {
  const { kind, path, message } = problem;
  const title = `${String(manifest.value['kind'])} ${JSON.stringify(nameOf(manifest))}`;
  if (kind === 'type') {
    const wanted = / of type (.*)$/.exec(message)?.[1];
    const told = wanted === undefined ? message : `${formatPath(path)} must be of type ${wanted}`;
    return new HawserError('OBJECT_INVALID', `${title}: ${told}`, {
      location: manifest.locate(path),
      remedy: wanted === 'string' ? 'Put the value in quotation marks.' : 'Mend the value.',
    });
  }
  const name = String(path.at(-1) ?? '');
  const near = nearest(name, siblingsOf(schema, path));
  return new HawserError('OBJECT_INVALID', `${title}: ${message}`, {
    location: manifest.locate(path, 'key'),
    remedy:
      near === undefined
        ? `See: kubectl explain ${String(manifest.value['kind']).toLowerCase()}`
        : `Did you mean ${near}?`,
  });
}

/** @throws HawserError OBJECT_INVALID where it has no name */
export function requiredName(manifest: ManifestObject): string {
  const name = nameOf(manifest);
  if (name !== '') return name;
  const kind = String(manifest.value['kind']).toLowerCase();
  throw new HawserError('OBJECT_INVALID', `the ${kind} has no metadata.name`, {
    location: manifest.locate(['metadata', 'name'], 'key'),
    remedy: 'Give it a name.',
  });
}

export function nameOf({ value }: ManifestObject): string {
  const { name } = objectField(value, 'metadata');
  return typeof name === 'string' ? name : '';
}

/** The schema of an object's kind; undefined for kinds that hawser does not know. */
export function schemaOfManifest({ value }: ManifestObject): Schema | undefined {
  const apiVersion = String(value['apiVersion']);
  const cut = apiVersion.indexOf('/');
  const group = cut < 0 ? '' : apiVersion.slice(0, cut);
  return schemaOfKind({ group, version: apiVersion.slice(cut + 1), kind: String(value['kind']) });
}

/** Whether an object says what it is. @throws HawserError OBJECT_INVALID with its place */
export function checkKind(manifest: ManifestObject): void {
  for (const field of ['apiVersion', 'kind'] as const) {
    if (typeof manifest.value[field] === 'string' && manifest.value[field] !== '') continue;
    throw new HawserError('OBJECT_INVALID', `the object has no ${field}`, {
      location: manifest.locate([field], 'key'),
      remedy: 'A pod begins with apiVersion: v1 and kind: Pod.',
    });
  }
}

/**
 * Looks at the fields of an object before it is sent anywhere.
 *
 * @throws HawserError OBJECT_INVALID with the place of the first wrong field
 */
export function checkManifest(manifest: ManifestObject): void {
  checkKind(manifest);
  const schema = schemaOfManifest(manifest);
  if (schema === undefined) return;
  const [problem] = decodeObject(schema, manifest.value, String(manifest.value['kind'])).problems;
  if (problem !== undefined) throw problemError(manifest, schema, problem);
}

/** What the server refused, with the place of the first wrong field. */
export function locatedFailure(manifest: ManifestObject, failure: ApiFailure): HawserError {
  const causes: readonly StatusCause[] = failure.status.details?.causes ?? [];
  const [first] = causes;
  if (first === undefined) return failure;
  const { message, detail } = failure;
  // What a pod is cannot be changed, only replaced.
  const fixed = first.field.startsWith('spec') && first.reason === 'FieldValueForbidden';
  return new HawserError('OBJECT_INVALID', message, {
    cause: failure,
    detail,
    location: manifest.locate(parsePath(first.field)),
    ...(fixed ? { remedy: `Delete it and apply it again: hawser pod delete ${nameOf(manifest)}.` } : {}),
  });
}
