import { isDeepStrictEqual } from 'node:util';
import type { Schema } from '../schema/schema.ts';
import { isJsonList, isJsonObject, type JsonObject, type JsonValue, jsonObject } from './json-value.ts';
import { fieldSchema, keyOf, type ListRule, listRuleOf } from './list-rules.ts';

export interface ThreeWay {
  /** As it was applied last time; undefined where nobody knows. */
  readonly original: JsonValue | undefined;
  /** As it is wanted now. */
  readonly wanted: JsonValue;
  /** As it is. */
  readonly current: JsonValue | undefined;
}

function onlyFieldsOf(wanted: JsonValue, current: JsonValue | undefined): JsonValue | undefined {
  if (!isJsonObject(wanted) || !isJsonObject(current)) return current;
  return jsonObject(Object.entries(current).filter(([name]) => Object.hasOwn(wanted, name)));
}

function mergeKeyed(
  lists: { readonly [name in keyof ThreeWay]: readonly JsonValue[] },
  rule: Extract<ListRule, { readonly kind: 'keyed' }>,
): JsonValue {
  const { original, wanted, current } = lists;
  const find = (list: readonly JsonValue[], item: JsonValue) =>
    list.find(other => isDeepStrictEqual(keyOf(other, rule.key), keyOf(item, rule.key)));
  const merged = wanted.map(item => {
    const present = find(current, item);
    const kept = rule.retainKeys ? onlyFieldsOf(item, present) : present;
    return threeWayMerge({ original: find(original, item), wanted: item, current: kept }, rule.item);
  });
  // What others have added stays; what was applied and is no longer wanted goes.
  const others = current.filter(
    item => find(wanted, item) === undefined && find(original, item) === undefined,
  );
  return [...merged, ...others];
}

function mergeLists(way: ThreeWay, wanted: readonly JsonValue[], schema: Schema | undefined): JsonValue {
  const rule = listRuleOf(schema);
  if (rule.kind === 'atomic') return wanted;
  const original = isJsonList(way.original) ? way.original : [];
  const current = isJsonList(way.current) ? way.current : [];
  if (rule.kind === 'keyed') return mergeKeyed({ original, wanted, current }, rule);
  const others = current.filter(
    value => ![...wanted, ...original].some(other => isDeepStrictEqual(other, value)),
  );
  return [...wanted, ...others];
}

function mergeObjects(way: ThreeWay, wanted: JsonObject, schema: Schema | undefined): JsonValue {
  const original = isJsonObject(way.original) ? way.original : {};
  const current = isJsonObject(way.current) ? way.current : {};
  const merged = new Map(Object.entries(current));
  for (const name of Object.keys(original)) if (!Object.hasOwn(wanted, name)) merged.delete(name);
  for (const [name, value] of Object.entries(wanted)) {
    if (value === null) merged.delete(name);
    else {
      const field = { original: original[name], wanted: value, current: current[name] };
      merged.set(name, threeWayMerge(field, fieldSchema(schema, name)));
    }
  }
  return jsonObject(merged);
}

/**
 * What `kubectl apply` makes of an object (Kubernetes, "Declarative Management of Kubernetes Objects", merge patch
 * calculation): what is wanted, without what was applied last time and is no longer wanted, and with what others have set.
 */
export function threeWayMerge(way: ThreeWay, schema: Schema | undefined): JsonValue {
  const { wanted } = way;
  if (isJsonList(wanted)) return mergeLists(way, wanted, schema);
  return isJsonObject(wanted) ? mergeObjects(way, wanted, schema) : wanted;
}
