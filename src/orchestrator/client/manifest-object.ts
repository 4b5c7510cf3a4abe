import {
  type Document,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  type LineCounter,
  type Node,
} from 'yaml';
import type { FieldPath } from '../../api/decode.ts';
import { isJsonObject, type JsonObject } from '../../api/patch/json-value.ts';
import type { SourceLocation } from '../../errors/hawser-error.ts';

export interface ManifestSource {
  /** As the user named it; `-` for stdin. */
  readonly file: string;
  readonly lines: readonly string[];
  readonly counter: LineCounter;
}

/** An object of a YAML or JSON file, which knows where its fields stand. */
export interface ManifestObject {
  readonly value: JsonObject;
  /** Of the field, or of the nearest that holds it. */
  locate(path: FieldPath, part?: 'key' | 'value'): SourceLocation;
}

/** A field that is an object; an empty one where it is not there. */
export function objectField(value: JsonObject, name: string): JsonObject {
  const field = value[name];
  return isJsonObject(field) ? field : {};
}

/** The namespace that an object names itself. */
export function namespaceOf({ value }: ManifestObject): string | undefined {
  const { namespace } = objectField(value, 'metadata');
  return typeof namespace === 'string' ? namespace : undefined;
}

export function locationAt(source: ManifestSource, start: number, end: number): SourceLocation {
  const { line, col } = source.counter.linePos(start);
  const last = source.counter.linePos(Math.max(start, end));
  const text = source.lines[line - 1] ?? '';
  return {
    file: source.file,
    line,
    column: col,
    endColumn: last.line === line ? last.col : text.length + 1,
    excerpt: [text],
  };
}

interface Found {
  readonly key: Node | undefined;
  readonly value: Node | undefined;
}

function childOf(node: Node | undefined, part: string | number): Found | undefined {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
    if (!isPair(pair)) return undefined;
    return {
      key: isNode(pair.key) ? pair.key : undefined,
      value: isNode(pair.value) ? pair.value : undefined,
    };
  }
  if (!isCollection(node) || typeof part !== 'number') return undefined;
  const item = node.items[part];
  return isNode(item) ? { key: undefined, value: item } : undefined;
}

/** @param base Where in the document the object begins: of an item of a List. */
export function locateField(
  source: ManifestSource,
  document: Document,
  field: { readonly path: FieldPath; readonly part: 'key' | 'value' },
): SourceLocation {
  let found: Found = { key: undefined, value: isNode(document.contents) ? document.contents : undefined };
  let part: 'key' | 'value' = field.part;
  for (const step of field.path) {
    const child = childOf(found.value, step);
    if (child === undefined) {
      part = 'key';
      break;
    }
    found = child;
  }
  const node = part === 'key' ? (found.key ?? found.value) : (found.value ?? found.key);
  const [start = 0, end = start] = node?.range ?? [];
  // A map or a list of several lines is shown by its first one.
  return locationAt(source, start, isCollection(node) ? start + 1 : end);
}
