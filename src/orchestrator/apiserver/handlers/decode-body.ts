import { type DecodeProblem, decodeObject } from '../../../api/decode.ts';
import type { ApiObject } from '../../../api/object-meta.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../api/patch/json-value.ts';
import { schemaOfKind } from '../../../api/schema/schemas.ts';
import { badRequest, StatusError } from '../../../api/status.ts';
import type { ApiRequest } from '../api-message.ts';
import type { ResourceDefinition } from '../resource-definition.ts';

/** Media type without its parameters. */
export function mediaTypeOf(request: ApiRequest): string {
  return (request.header('content-type') ?? 'application/json').split(';')[0]?.trim().toLowerCase() ?? '';
}

export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`;
  return new StatusError(415, 'UnsupportedMediaType', { message });
}

/** The parsed body. @throws StatusError 400, 413, 415 */
export async function parseBody(request: ApiRequest): Promise<JsonValue> {
  const type = mediaTypeOf(request);
  const text = Buffer.from(await request.body()).toString();
  try {
    if (type === 'application/yaml') {
      const { parse } = await import('yaml');
      return parse(text, { maxAliasCount: 0 }) as JsonValue;
    }
    if (type === 'application/json' || type === '') return JSON.parse(text) as JsonValue;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw badRequest(`the object provided is not readable as ${type}: ${why}`);
  }
  throw unsupportedMediaType(['application/json', 'application/yaml']);
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
  const { group, version, kind } = definition;
  const apiVersion = group === '' ? version : `${group}/${version}`;
  const given: JsonObject = isJsonObject(value) ? { apiVersion, kind, ...value } : {};
  if (given['kind'] === kind && given['apiVersion'] === apiVersion) return;
  const what = isJsonObject(value)
    ? `${String(value['kind'])} in version "${String(value['apiVersion'])}"`
    : 'body';
  throw badRequest(`${what} cannot be handled as a ${kind}: ${kind} in version "${apiVersion}" is expected`);
}

/**
 * An object by the schema of its kind.
 *
 * @throws StatusError 400 for wrong types, and for unknown fields where they are forbidden
 */
export function decodeResource(
  definition: ResourceDefinition,
  value: JsonValue,
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
  const unknown = ofKind('unknown');
  if (unknown.length > 0 && validation === 'Strict')
    throw unusable(definition, `strict decoding error: ${unknown.join(', ')}`);
  const fields = decoded.value as Partial<ApiObject>;
  const apiVersion = group === '' ? version : `${group}/${version}`;
  const metadata = (fields.metadata ?? {}) as ApiObject['metadata'];
  return {
    object: { ...fields, apiVersion, kind, metadata },
    warnings: validation === 'Warn' ? unknown : [],
  };
}
