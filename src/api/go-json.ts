import { isJsonList, isJsonObject, type JsonValue } from './patch/json-value.ts';

function sorted(value: JsonValue): JsonValue {
  if (isJsonList(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).map(([name, own]) => [name, sorted(own)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** JSON as Go's encoding/json writes it, to the byte: names in order, and no signs that HTML knows. */
export function goJson(value: JsonValue, indent?: number): string {
  return JSON.stringify(sorted(value), undefined, indent).replaceAll(
    /[<>&\u2028\u2029]/g,
    sign => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
