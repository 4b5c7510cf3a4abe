import { isDeepStrictEqual } from 'node:util';
import { badRequest, StatusError } from '../status.ts';
import { isJsonList, isJsonObject, type JsonValue, jsonObject } from './json-value.ts';

/** Operations in one patch: apiserver, MaxJSONPatchOperations. */
const LIMIT = 10_000;
/** Bytes that all copies together may add: apiserver, MaxRequestBodyBytes. Copies of copies would grow without end. */
const COPY_LIMIT = 3 << 20;

/** RFC 6901, section 4. */
function parsePointer(pointer: unknown): readonly string[] {
  if (typeof pointer !== 'string' || (pointer !== '' && !pointer.startsWith('/')))
    throw badRequest(`json patch: ${JSON.stringify(pointer)} is not a JSON pointer`);
  return pointer
    .split('/')
    .slice(1)
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function failed(why: string): StatusError {
  return new StatusError(422, 'Invalid', { message: `the server rejected our request: json patch: ${why}` });
}

function indexIn(list: readonly JsonValue[], part: string, end: number): number {
  const index = /^(0|[1-9]\d*)$/.test(part) ? Number(part) : Number.NaN;
  if (!(index < end)) throw failed(`there is no index ${part} in a list of ${list.length}`);
  return index;
}

function getAt(value: JsonValue, path: readonly string[]): JsonValue {
  let current = value;
  for (const part of path) {
    const next = isJsonList(current)
      ? current[indexIn(current, part, current.length)]
      : isJsonObject(current) && Object.hasOwn(current, part)
        ? current[part]
        : undefined;
    if (next === undefined) throw failed(`there is no /${path.join('/')}`);
    current = next;
  }
  return current;
}

/** What stands in a place afterwards; undefined for nothing. */
type Change = (old: JsonValue | undefined, inList: boolean) => JsonValue | undefined;

function changeList(
  list: readonly JsonValue[],
  part: string,
  options: { readonly insert: boolean; readonly change: Change },
): JsonValue {
  const index =
    part === '-' && options.insert
      ? list.length
      : indexIn(list, part, list.length + (options.insert ? 1 : 0));
  const next = options.change(list[index], true);
  const rest = list.slice(options.insert ? index : index + 1);
  return [...list.slice(0, index), ...(next === undefined ? [] : [next]), ...rest];
}

/** Changes the place that `path` names; `insert` makes room in a list. */
function changeAt(
  value: JsonValue,
  path: readonly string[],
  options: { readonly insert: boolean; readonly change: Change },
): JsonValue {
  const [part, ...rest] = path;
  if (part === undefined) return options.change(value, false) ?? null;
  if (rest.length > 0) {
    const inner = { insert: false, change: (old?: JsonValue) => changeAt(old ?? null, rest, options) };
    getAt(value, [part]);
    return changeAt(value, [part], inner);
  }
  if (isJsonList(value)) return changeList(value, part, options);
  if (!isJsonObject(value)) throw failed(`/${part} is in nothing that has fields`);
  const fields = new Map(Object.entries(value));
  const next = options.change(fields.get(part), false);
  if (next === undefined) fields.delete(part);
  else fields.set(part, next);
  return jsonObject(fields);
}

function add(document: JsonValue, path: readonly string[], value: JsonValue): JsonValue {
  return changeAt(document, path, { insert: true, change: () => value });
}

function remove(document: JsonValue, path: readonly string[]): JsonValue {
  getAt(document, path);
  return changeAt(document, path, { insert: false, change: () => undefined });
}

function tooLarge(message: string): StatusError {
  return new StatusError(413, 'RequestEntityTooLarge', { message });
}

/** Bytes that the copies of a patch add. @throws StatusError 413 */
function copiedBytes(before: number, value: JsonValue): number {
  const sum = before + Buffer.byteLength(JSON.stringify(value));
  if (sum <= COPY_LIMIT) return sum;
  throw tooLarge(`the copies of a JSON patch may add ${COPY_LIMIT} bytes at most`);
}

function applyOperation(document: JsonValue, operation: JsonValue, copied: { bytes: number }): JsonValue {
  if (!isJsonObject(operation)) throw badRequest('json patch: an operation is not an object');
  const { op, value } = operation;
  const path = parsePointer(operation['path']);
  const needed = () => {
    if (value === undefined) throw badRequest(`json patch: ${String(op)} needs a value`);
    return value;
  };
  switch (op) {
    case 'add':
      return add(document, path, needed());
    case 'remove':
      return remove(document, path);
    case 'replace':
      getAt(document, path);
      return changeAt(document, path, { insert: false, change: needed });
    case 'test':
      if (isDeepStrictEqual(getAt(document, path), needed())) return document;
      throw failed(`testing value ${String(operation['path'])} failed`);
    case 'move':
    case 'copy': {
      const from = parsePointer(operation['from']);
      const moved = getAt(document, from);
      if (op === 'copy') copied.bytes = copiedBytes(copied.bytes, moved);
      return add(op === 'move' ? remove(document, from) : document, path, moved);
    }
    default:
      throw badRequest(`json patch: unknown operation ${JSON.stringify(op)}`);
  }
}

/** RFC 6902, JSON Patch. @throws StatusError 400, 413, 422 */
export function applyJsonPatch(document: JsonValue, patch: JsonValue): JsonValue {
  if (!isJsonList(patch)) throw badRequest('json patch: the patch is not a list');
  if (patch.length > LIMIT)
    throw tooLarge(`The allowed maximum operations in a JSON patch is ${LIMIT}, got ${patch.length}`);
  const copied = { bytes: 0 };
  return patch.reduce((value, operation) => applyOperation(value, operation, copied), document);
}
