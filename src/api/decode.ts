import { canonicalQuantity } from './quantity.ts';
import type { Schema } from './schema/schema.ts';
import { referenceOf, resolveSchema } from './schema/schemas.ts';
import { canonicalTime } from './timestamp.ts';

export type FieldPath = readonly (string | number)[];

/** What is wrong with a field: it is not known, or its value has another type. */
export interface DecodeProblem {
  readonly kind: 'unknown' | 'type';
  readonly path: FieldPath;
  /** As the Kubernetes decoder says it. */
  readonly message: string;
}

export interface Decoded {
  /** Without unknown fields and nulls; quantities and times in their canonical form. */
  readonly value: unknown;
  readonly problems: readonly DecodeProblem[];
}

/** `spec.containers[0].image` */
export function formatPath(path: FieldPath): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('');
}

interface Place {
  readonly path: FieldPath;
  /** The class that has the field, e.g. `EnvVar`. */
  readonly owner: string;
}

function typeName(value: unknown, schema: Schema): string {
  if (Array.isArray(value)) return 'array';
  // Of a number where one is wanted, it is the amount that does not fit.
  if (typeof value === 'number' && resolveSchema(schema).type === 'integer') return `number ${value}`;
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/** The Go type that Kubernetes has for a field. */
function goType(schema: Schema): string {
  const name = referenceOf(schema);
  const resolved = resolveSchema(schema);
  if (resolved.type === 'object' && name !== undefined) return `v1.${name.split('.').at(-1)}`;
  switch (resolved.type) {
    case 'array':
      return `[]${goType(resolved.items ?? {})}`;
    case 'boolean':
      return 'bool';
    case 'integer':
      return resolved.format ?? 'int64';
    case 'object':
      return `map[string]${goType(resolved.additionalProperties ?? {})}`;
    default:
      return 'string';
  }
}

/** What Go makes of null in a list or a map. */
function zeroOf(schema: Schema): unknown {
  switch (resolveSchema(schema).type) {
    case 'object':
      return {};
    case 'array':
      return [];
    case 'boolean':
      return false;
    case 'integer':
    case 'number':
      return 0;
    default:
      return '';
  }
}

function isWhole(value: unknown, format: string | undefined): boolean {
  const limit = format === 'int32' ? 2 ** 31 : 2 ** 63;
  return typeof value === 'number' && Number.isInteger(value) && value >= -limit && value < limit;
}

const quantityText =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

class Decoder {
  readonly problems: DecodeProblem[] = [];

  #wrong(schema: Schema, value: unknown, place: Place): undefined {
    const names = place.path.filter(part => typeof part === 'string').join('.');
    const target =
      names === ''
        ? `Go value of type v1.${place.owner}`
        : `Go struct field ${place.owner}.${names} of type ${goType(schema)}`;
    const message = `json: cannot unmarshal ${typeName(value, schema)} into ${target}`;
    this.problems.push({ kind: 'type', path: place.path, message });
    return undefined;
  }

  #object(schema: Schema, value: Readonly<Record<string, unknown>>, place: Place): unknown {
    const { properties, additionalProperties } = schema;
    if (properties === undefined && additionalProperties === undefined) return value;
    const entries: (readonly [string, unknown])[] = [];
    for (const [name, field] of Object.entries(value)) {
      const path = [...place.path, name];
      const own = properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
      const fieldSchema = own ?? additionalProperties;
      if (fieldSchema === undefined) {
        this.problems.push({ kind: 'unknown', path, message: `unknown field "${formatPath(path)}"` });
        continue;
      }
      const given = field === null && own === undefined ? zeroOf(fieldSchema) : field;
      const decoded = this.decode(fieldSchema, given, { ...place, path });
      if (decoded !== undefined) entries.push([name, decoded]);
    }
    return Object.fromEntries(entries);
  }

  #quantity(schema: Schema, value: unknown, place: Place): unknown {
    if (typeof value !== 'string' && typeof value !== 'number') return this.#wrong(schema, value, place);
    const quantity = canonicalQuantity(value);
    if (quantity === undefined) this.problems.push({ kind: 'type', path: place.path, message: quantityText });
    return quantity;
  }

  #time(schema: Schema, value: unknown, place: Place): unknown {
    if (typeof value !== 'string') return this.#wrong(schema, value, place);
    const precision = referenceOf(schema)?.endsWith('.MicroTime') === true ? 'microseconds' : 'seconds';
    const time = canonicalTime(value, precision);
    if (time === undefined) {
      const text = JSON.stringify(value);
      const message = `parsing time ${text} as "2006-01-02T15:04:05Z07:00": cannot parse ${text} as RFC 3339`;
      this.problems.push({ kind: 'type', path: place.path, message });
    }
    return time;
  }

  #plain(schema: Schema, value: unknown, place: Place): unknown {
    const { type, oneOf, format } = resolveSchema(schema);
    if (format === 'date-time') return this.#time(schema, value, place);
    const fits =
      type === 'integer'
        ? isWhole(value, format)
        : oneOf === undefined
          ? typeof value === type
          : typeof value === 'string' || isWhole(value, 'int32');
    return fits ? value : this.#wrong(schema, value, place);
  }

  decode(schema: Schema, value: unknown, place: Place): unknown {
    if (value === null || value === undefined) return undefined;
    const name = referenceOf(schema);
    const resolved = resolveSchema(schema);
    if (name?.endsWith('.Quantity') === true) return this.#quantity(schema, value, place);
    if (resolved.type === 'object') {
      if (typeof value !== 'object' || Array.isArray(value)) return this.#wrong(schema, value, place);
      const owner = name?.split('.').at(-1) ?? place.owner;
      return this.#object(resolved, value as Readonly<Record<string, unknown>>, { ...place, owner });
    }
    if (resolved.type === 'array') {
      if (!Array.isArray(value)) return this.#wrong(schema, value, place);
      const { items: itemSchema = {} } = resolved;
      const items: readonly unknown[] = value;
      return items.map((item, index) =>
        this.decode(itemSchema, item ?? zeroOf(itemSchema), { ...place, path: [...place.path, index] }),
      );
    }
    return this.#plain(schema, value, place);
  }
}

/** Reads a parsed JSON or YAML value by the schema of its kind; what is wrong is told, not thrown. */
export function decodeObject(schema: Schema, value: unknown, kind: string): Decoded {
  const decoder = new Decoder();
  const decoded = decoder.decode(schema, value, { path: [], owner: kind });
  return { value: decoded, problems: decoder.problems };
}
