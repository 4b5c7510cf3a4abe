import { type JsonObject, type JsonValue, jsonObject } from '../patch/json-value.ts';
import { timestampOf } from '../timestamp.ts';
import { type Message, type MessageField, messages } from './messages.ts';
import { readFields, type WireField } from './wire.ts';

/** Kubernetes, "API Concepts", "Protobuf encoding": what every body begins with. */
const magic = [0x6b, 0x38, 0x73, 0x00];

const decoder = new TextDecoder('utf-8', { fatal: true });

function bytesOf({ number, value }: WireField): Uint8Array {
  if (typeof value === 'bigint') throw new RangeError(`malformed protobuf: field ${number} is a number`);
  return value;
}

function textOf(field: WireField): string {
  return decoder.decode(bytesOf(field));
}

function numberOf({ number, value }: WireField): number {
  if (typeof value !== 'bigint') throw new RangeError(`malformed protobuf: field ${number} is no number`);
  return Number(value);
}

/** metav1.Time; undefined for the zero time, which has no seconds. */
function timeOf(field: WireField): string | undefined {
  const seconds = [...readFields(bytesOf(field))].find(({ number }) => number === 1);
  if (seconds === undefined) return undefined;
  const milliseconds = numberOf(seconds) * 1000;
  // The times that JavaScript knows.
  if (Math.abs(milliseconds) > 8.64e15) throw new RangeError('malformed protobuf: a time is out of range');
  return timestampOf(milliseconds);
}

function entryOf(field: WireField): readonly [string, string] {
  const texts = new Map<number, string>();
  for (const part of readFields(bytesOf(field))) texts.set(part.number, textOf(part));
  return [texts.get(1) ?? '', texts.get(2) ?? ''];
}

function isZero(value: JsonValue): boolean {
  return value === '' || value === 0 || value === false;
}

function plainValue(type: Exclude<MessageField['type'], 'map'>, field: WireField): JsonValue | undefined {
  switch (type) {
    case 'string':
      return textOf(field);
    case 'integer':
      return numberOf(field);
    case 'boolean':
      return numberOf(field) !== 0;
    case 'time':
      return timeOf(field);
    default:
      return decodeMessage(type, bytesOf(field));
  }
}

/** The list under a name, made where there is none. */
function listIn<Item>(lists: Map<string, Item[]>, name: string): Item[] {
  const list = lists.get(name) ?? [];
  lists.set(name, list);
  return list;
}

function decodeMessage(message: Message, bytes: Uint8Array): JsonObject {
  const plain = new Map<string, JsonValue>();
  const lists = new Map<string, JsonValue[]>();
  const maps = new Map<string, (readonly [string, string])[]>();
  for (const field of readFields(bytes)) {
    const known = message.get(field.number);
    if (known === undefined) continue;
    const { name, type, repeated, optional } = known;
    if (type === 'map') {
      listIn(maps, name).push(entryOf(field));
      continue;
    }
    const value = plainValue(type, field);
    if (repeated === true) listIn(lists, name).push(value ?? '');
    else if (value !== undefined && (optional === true || !isZero(value))) plain.set(name, value);
  }
  const objects = [...maps].map(([name, entries]) => [name, jsonObject(entries)] as const);
  return jsonObject([...plain, ...lists, ...objects]);
}

const typeMeta: Message = new Map([
  [1, { name: 'apiVersion', type: 'string' }],
  [2, { name: 'kind', type: 'string' }],
]);

/**
 * The object of a body of `application/vnd.kubernetes.protobuf`, as it would be in JSON.
 *
 * @returns undefined for a kind that is not read from protobuf
 * @throws RangeError, TypeError where the bytes are no such body
 */
export function decodeProtobuf(bytes: Uint8Array): JsonObject | undefined {
  if (magic.some((byte, index) => bytes[index] !== byte))
    throw new RangeError('malformed protobuf: it does not begin as a Kubernetes object');
  const fields = [...readFields(bytes.subarray(magic.length))];
  const part = (wanted: number) => {
    const field = fields.find(({ number }) => number === wanted);
    return field === undefined ? new Uint8Array() : bytesOf(field);
  };
  const type = decodeMessage(typeMeta, part(1));
  const message = messages.get(`${String(type['apiVersion'])}/${String(type['kind'])}`);
  return message === undefined ? undefined : { ...type, ...decodeMessage(message, part(2)) };
}
