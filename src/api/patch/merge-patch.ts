import { isJsonObject, type JsonValue, jsonObject } from './json-value.ts';

/** RFC 7386, JSON Merge Patch, section 2. */
export function applyMergePatch(target: JsonValue, patch: JsonValue): JsonValue {
  if (!isJsonObject(patch)) return patch;
  const merged = new Map(isJsonObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, applyMergePatch(merged.get(name) ?? null, value));
  }
  return jsonObject(merged);
}
