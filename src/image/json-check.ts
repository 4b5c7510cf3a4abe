import { HawserError } from '../errors/hawser-error.ts';
import { type Digest, isDigest } from './digest.ts';

/** A JSON value under its path in a document, for checks whose errors say where: `layers[2].size`. */
export interface JsonField {
  /** What the document is, e.g. `manifest`. */
  readonly document: string;
  readonly path: string;
  readonly value: unknown;
}

export type JsonObject = Readonly<Record<string, unknown>>;

/** A MANIFEST_INVALID that names the field. */
export function wrongField({ document, path, value }: JsonField, expected: string): HawserError {
  const shown = value === undefined ? 'nothing' : (JSON.stringify(value) ?? typeof value).slice(0, 120);
  const place = path === '' ? document : `${document} field ${path}`;
  return new HawserError('MANIFEST_INVALID', `${place} must be ${expected}, not ${shown}`, {
    detail: { field: path },
  });
}

/** Parses JSON text that must be an object. @throws HawserError MANIFEST_INVALID */
export function parseJsonObject(document: string, bytes: Uint8Array): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw new HawserError('MANIFEST_INVALID', `${document} is not JSON`, { cause });
  }
  return asObject({ document, path: '', value });
}

/** The field `key` of an object that stands at `parent.path`. */
export function child(parent: JsonField, key: string): JsonField {
  const object = asObject(parent);
  return {
    document: parent.document,
    path: parent.path === '' ? key : `${parent.path}.${key}`,
    value: object[key],
  };
}

export function asObject(field: JsonField): JsonObject {
  const { value } = field;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrongField(field, 'an object');
  return value as JsonObject;
}

export function asString(field: JsonField): string {
  if (typeof field.value !== 'string') throw wrongField(field, 'a string');
  return field.value;
}

/** Whether a field is left out, for which some Go programs write null. */
export function isMissing({ value }: JsonField): boolean {
  return value === undefined || value === null;
}

/** An object without its fields that are null. */
export function withoutNulls(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));
}

/** A string, or undefined where the field is missing. */
export function optionalString(field: JsonField): string | undefined {
  return isMissing(field) ? undefined : asString(field);
}

export function asDigest(field: JsonField): Digest {
  const text = asString(field);
  if (!isDigest(text)) throw wrongField(field, 'a digest (algorithm:hex)');
  return text;
}

/** A whole number from 0 on. */
export function asSize(field: JsonField): number {
  const { value } = field;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw wrongField(field, 'a size in bytes');
  return value;
}

/** The items of an array. */
export function asArray(field: JsonField): JsonField[] {
  if (!Array.isArray(field.value)) throw wrongField(field, 'an array');
  return field.value.map((value: unknown, index) => ({ ...field, path: `${field.path}[${index}]`, value }));
}

/** The items of an array; none where the field is missing. */
export function optionalArray(field: JsonField): JsonField[] {
  return isMissing(field) ? [] : asArray(field);
}

/** An object of strings; undefined where the field is missing. */
export function optionalStringMap(field: JsonField): Readonly<Record<string, string>> | undefined {
  if (isMissing(field)) return undefined;
  for (const key of Object.keys(asObject(field))) asString(child(field, key));
  return field.value as Readonly<Record<string, string>>;
}
