import { isDeepStrictEqual } from 'node:util';
import type { Schema } from '../schema/schema.ts';
import { badRequest } from '../status.ts';
import { isJsonList, isJsonObject, type JsonObject, type JsonValue, jsonObject } from './json-value.ts';
import { fieldSchema, keyOf, listRuleOf } from './list-rules.ts';

/*
 * Strategic merge patch (kubernetes, staging/src/k8s.io/apimachinery/pkg/util/strategicpatch/patch.go): a merge patch in
 * which lists with a merge key are merged entry by entry, and names with `$` give directions.
 */

const ORDER = '$setElementOrder/';
const DELETE = '$deleteFromPrimitiveList/';

function isDirective(name: string): boolean {
  return name === '$patch' || name === '$retainKeys' || name.startsWith(ORDER) || name.startsWith(DELETE);
}

const directions: readonly (JsonValue | undefined)[] = [undefined, 'merge', 'replace', 'delete'];

/** @throws StatusError 400 */
function directionOf(patch: JsonObject): JsonValue | undefined {
  const { $patch: direction } = patch;
  if (directions.includes(direction)) return direction;
  throw badRequest(`Unknown patch type found: ${JSON.stringify(direction)}`);
}

/** What a value brings that had nothing to be merged into: itself, without directions. */
function withoutDirectives(value: JsonValue): JsonValue {
  if (isJsonList(value)) {
    return value.filter(item => !isJsonObject(item) || item['$patch'] !== 'delete').map(withoutDirectives);
  }
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).filter(([name, own]) => !isDirective(name) && own !== null);
  return jsonObject(entries.map(([name, own]) => [name, withoutDirectives(own)]));
}

/**
 * Entries in the order that the patch asks for; those that it does not name keep their place before the next one that
 * it names.
 */
function inOrder(
  merged: readonly JsonValue[],
  order: readonly JsonValue[],
  same: (a: JsonValue, b: JsonValue) => boolean,
): readonly JsonValue[] {
  const rank = (item: JsonValue) => order.findIndex(other => same(item, other));
  const named = merged.filter(item => rank(item) >= 0).sort((a, b) => rank(a) - rank(b));
  const result = [...named];
  for (const [index, item] of merged.entries()) {
    if (rank(item) >= 0) continue;
    const next = merged.slice(index + 1).find(other => rank(other) >= 0);
    const at = next === undefined ? result.length : result.indexOf(next);
    result.splice(at, 0, item);
  }
  return result;
}

function mergeKeyed(
  target: readonly JsonValue[],
  patch: readonly JsonValue[],
  rule: { readonly key: string; readonly item: Schema },
): readonly JsonValue[] {
  const { key, item } = rule;
  const replacing = patch.some(entry => isJsonObject(entry) && entry['$patch'] === 'replace');
  if (replacing) {
    const kept = patch.filter(entry => !isJsonObject(entry) || entry['$patch'] !== 'replace');
    return kept.map(withoutDirectives);
  }
  let merged = [...target];
  for (const entry of patch) {
    const value = keyOf(entry, key);
    if (!isJsonObject(entry) || value === undefined) {
      throw badRequest(`map: ${JSON.stringify(entry)} does not contain declared merge key: ${key}`);
    }
    const index = merged.findIndex(own => isDeepStrictEqual(keyOf(own, key), value));
    if (directionOf(entry) === 'delete')
      merged = merged.filter(own => !isDeepStrictEqual(keyOf(own, key), value));
    else if (index < 0) merged.push(withoutDirectives(entry));
    else merged[index] = applyStrategicMerge(merged[index] ?? null, entry, item);
  }
  return merged;
}

function mergeList(
  target: JsonValue | undefined,
  patch: JsonValue | undefined,
  context: { readonly schema: Schema | undefined; readonly order: JsonValue | undefined },
): JsonValue {
  const rule = listRuleOf(context.schema);
  const given = isJsonList(patch) ? patch : [];
  if (rule.kind === 'atomic') return given.map(withoutDirectives);
  const old = isJsonList(target) ? target : [];
  const same = (a: JsonValue, b: JsonValue) =>
    rule.kind === 'set' ? isDeepStrictEqual(a, b) : isDeepStrictEqual(keyOf(a, rule.key), keyOf(b, rule.key));
  const merged =
    rule.kind === 'set'
      ? [...old, ...given.filter(value => !old.some(other => isDeepStrictEqual(other, value)))]
      : mergeKeyed(old, given, rule);
  return isJsonList(context.order) ? inOrder(merged, context.order, same) : merged;
}

/** The names of fields that a patch touches, directions of lists counted as the lists. */
function touchedNames(patch: JsonObject): ReadonlySet<string> {
  const names = Object.keys(patch).map(name =>
    name.startsWith(ORDER)
      ? name.slice(ORDER.length)
      : name.startsWith(DELETE)
        ? name.slice(DELETE.length)
        : name,
  );
  return new Set(names.filter(name => !isDirective(name)));
}

function mergeField(
  target: JsonObject,
  patch: JsonObject,
  field: { readonly name: string; readonly schema: Schema | undefined },
): JsonValue | undefined {
  const { name, schema } = field;
  const given = patch[name];
  if (given === null) return undefined;
  const removed = patch[`${DELETE}${name}`];
  const order = patch[`${ORDER}${name}`];
  let old = target[name];
  if (isJsonList(removed) && isJsonList(old)) {
    old = old.filter(value => !removed.some(other => isDeepStrictEqual(other, value)));
  }
  if (isJsonList(given) || (given === undefined && isJsonList(order) && isJsonList(old)))
    return mergeList(old, given, { schema, order });
  if (given === undefined) return old;
  return applyStrategicMerge(old ?? null, given, schema);
}

/** @throws StatusError 400 where an entry lacks its merge key, or a direction is unknown */
export function applyStrategicMerge(
  target: JsonValue,
  patch: JsonValue,
  schema: Schema | undefined,
): JsonValue {
  if (!isJsonObject(patch)) return withoutDirectives(patch);
  const direction = directionOf(patch);
  if (direction === 'replace') return withoutDirectives(patch);
  if (direction === 'delete') return {};
  if (!isJsonObject(target)) return withoutDirectives(patch);
  const fields = new Map(Object.entries(target));
  const retained = patch['$retainKeys'];
  if (isJsonList(retained))
    for (const name of fields.keys()) if (!retained.includes(name)) fields.delete(name);
  for (const name of touchedNames(patch)) {
    const merged = mergeField(target, patch, { name, schema: fieldSchema(schema, name) });
    if (merged === undefined) fields.delete(name);
    else fields.set(name, merged);
  }
  return jsonObject(fields);
}
