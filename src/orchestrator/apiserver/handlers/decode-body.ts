import { type DecodeProblem, decodeObject, type FieldPath, formatPath } from '../../../api/decode.ts';
import { findDuplicateFields } from '../../../api/duplicate-fields.ts';
import type { ApiObject } from '../../../api/object-meta.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../api/patch/json-value.ts';
import { decodeProtobuf } from '../../../api/protobuf/decode-protobuf.ts';
import { schemaOfKind } from '../../../api/schema/schemas.ts';
import { badRequest, StatusError } from '../../../api/status.ts';
import { yamlOptions } from '../../../api/yaml-options.ts';
import { messageOf } from '../../../errors/hawser-error.ts';
import type { ApiRequest } from '../api-message.ts';
import { apiVersionOf, type ResourceDefinition } from '../resource-definition.ts';

/** Media type without its parameters; JSON where none is told. */
export function mediaTypeOf(request: ApiRequest): string {
  const type = (request.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  return type === '' ? 'application/json' : type;
}

export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`;
  return new StatusError(415, 'UnsupportedMediaType', { message });
}

export interface ParsedBody {
  readonly value: JsonValue;
  /** Fields that are given more than once. */
  readonly duplicates: readonly FieldPath[];
}

type BodyParser = (bytes: Uint8Array) => ParsedBody | Promise<ParsedBody>;

function parseJson(bytes: Uint8Array): ParsedBody {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  return { value: JSON.parse(text) as JsonValue, duplicates: findDuplicateFields(text) };
}

const protobuf = 'application/vnd.kubernetes.protobuf';

const parsers: Readonly<Record<string, BodyParser>> = {
  'application/json': parseJson,
  'application/yaml': async bytes => {
    const { parse } = await import('yaml');
    const value = parse(Buffer.from(bytes).toString(), { ...yamlOptions, maxAliasCount: 0 }) as JsonValue;
    return { value, duplicates: [] };
  },
  [protobuf]: bytes => {
    const value = decodeProtobuf(bytes);
    if (value !== undefined) return { value, duplicates: [] };
    const message = `${protobuf} is not read of this kind: send application/json`;
    throw new StatusError(415, 'UnsupportedMediaType', { message });
  },
};

/** The parsed body. @throws StatusError 400, 413, 415 */
export async function parseBody(request: ApiRequest): Promise<ParsedBody> {
  const type = mediaTypeOf(request);
  const parser = Object.hasOwn(parsers, type) ? parsers[type] : undefined;
  if (parser === undefined) throw unsupportedMediaType(Object.keys(parsers));
  const bytes = await request.body();
  try {
    return await parser(bytes);
  } catch (error) {
    if (error instanceof StatusError) throw error;
    throw badRequest(`the object provided is not readable as ${type}: ${messageOf(error)}`);
  }
}

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/** What the server does with unknown fields; Warn where the client does not say. @throws StatusError 400 */
export function fieldValidationOf({ query }: ApiRequest): FieldValidation {
  const value = query.get('fieldValidation') ?? '';
  if (value === '') return 'Warn';
  if (value === 'Strict' || value === 'Warn' || value === 'Ignore') return value;
  throw badRequest(
    `fieldValidation parameter must be one of Ignore, Warn or Strict, not ${JSON.stringify(value)}`,
  );
}

export interface DecodedBody {
  readonly object: ApiObject;
  readonly warnings: readonly string[];
}

function unusable(definition: ResourceDefinition, why: string): StatusError {
  const { kind, version } = definition;
  return badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`);
}

function checkKind(definition: ResourceDefinition, value: unknown): void {
  const { kind } = definition;
  const apiVersion = apiVersionOf(definition);
  const given: JsonObject = isJsonObject(value) ? { apiVersion, kind, ...value } : {};
  if (given['kind'] === kind && given['apiVersion'] === apiVersion) return;
  const text = (own: unknown) => (typeof own === 'string' ? own : (JSON.stringify(own) ?? ''));
  const what = isJsonObject(value)
    ? `${text(value['kind'])} in version "${text(value['apiVersion'])}"`
    : 'body';
  throw badRequest(`${what} cannot be handled as a ${kind}: ${kind} in version "${apiVersion}" is expected`);
}

/**
 * An object by the schema of its kind.
 *
 * @throws StatusError 400 for wrong types, and for unknown or repeated fields where they are forbidden
 */
export function decodeResource(
  definition: ResourceDefinition,
  { value, duplicates }: ParsedBody,
  validation: FieldValidation,
): DecodedBody {
  checkKind(definition, value);
  const { group, version, kind } = definition;
  const schema = schemaOfKind({ group, version, kind }) ?? {};
  const decoded = decodeObject(schema, value, kind);
  const ofKind = (wanted: DecodeProblem['kind']) =>
    decoded.problems.filter(problem => problem.kind === wanted).map(({ message }) => message);
  const [wrong] = ofKind('type');
  if (wrong !== undefined) throw unusable(definition, wrong);
  const strict = [...duplicates.map(path => `duplicate field "${formatPath(path)}"`), ...ofKind('unknown')];
  if (strict.length > 0 && validation === 'Strict')
    throw unusable(definition, `strict decoding error: ${strict.join(', ')}`);
  const fields = decoded.value as Partial<ApiObject>;
  const apiVersion = apiVersionOf(definition);
  const metadata = (fields.metadata ?? {}) as ApiObject['metadata'];
  return {
    object: { ...fields, apiVersion, kind, metadata },
    warnings: validation === 'Warn' ? strict : [],
  };
}
