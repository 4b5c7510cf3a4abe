import type { Schema } from '../schema/schema.ts';
import { resolveSchema } from '../schema/schemas.ts';
import { isJsonObject, type JsonValue } from './json-value.ts';

/** How patches treat a list: as a whole, as a set of plain values, or by the key of its entries. */
export type ListRule =
  | { readonly kind: 'atomic' }
  | { readonly kind: 'set' }
  | {
      readonly kind: 'keyed';
      readonly key: string;
      readonly item: Schema;
      /** Entries have one of several fields: those that are not named go. */
      readonly retainKeys: boolean;
    };

export function listRuleOf(field: Schema | undefined): ListRule {
  const key = field?.['x-kubernetes-patch-merge-key'];
  const strategies = field?.['x-kubernetes-patch-strategy']?.split(',') ?? [];
  if (!strategies.includes('merge')) return { kind: 'atomic' };
  if (key === undefined) return { kind: 'set' };
  return { kind: 'keyed', key, item: field?.items ?? {}, retainKeys: strategies.includes('retainKeys') };
}

/** The schema of a field; maps have the same one for all. */
export function fieldSchema(schema: Schema | undefined, name: string): Schema | undefined {
  if (schema === undefined) return undefined;
  const { properties, additionalProperties } = resolveSchema(schema);
  return properties !== undefined && Object.hasOwn(properties, name)
    ? properties[name]
    : additionalProperties;
}

export function keyOf(item: JsonValue, key: string): JsonValue | undefined {
  return isJsonObject(item) ? item[key] : undefined;
}
