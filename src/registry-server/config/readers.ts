import { nearest } from '../../util/nearest.ts';
import { type ConfigNode, configError, missingNode } from './config-node.ts';
import { parseDuration } from './duration.ts';

/** What reading leaves besides the values. */
export interface ReadContext {
  /** Told of keys that are right and change nothing, with the reason: nothing is passed over in silence. */
  note(path: string, reason: string): void;
}

/** Turns a node of the configuration, which may be left out, into a value. @throws HawserError REGISTRY_CONFIG_INVALID */
export type Reader<Value> = (node: ConfigNode, context: ReadContext) => Value;

type Fields = Readonly<Record<string, Reader<unknown>>>;
type ValuesOf<Section extends Fields> = { readonly [Key in keyof Section]: ReturnType<Section[Key]> };

export const isLeftOut = (node: ConfigNode): boolean => node.value.kind === 'nothing';

function scalarText(node: ConfigNode, what: string): string | undefined {
  if (node.value.kind === 'nothing') return undefined;
  if (node.value.kind === 'scalar') return node.value.text;
  throw configError(node, `is a ${node.value.kind}, not ${what}`);
}

/** The entries of a map; none where it is left out. */
export function entriesOf(node: ConfigNode): ReadonlyMap<string, ConfigNode> {
  if (node.value.kind === 'map') return node.value.entries;
  if (node.value.kind === 'nothing') return new Map();
  throw configError(node, 'is not a section of keys');
}

/** Keys that are known, each with its reader; any other key is refused. */
export function section<Section extends Fields>(fields: Section): Reader<ValuesOf<Section>> {
  return (node, context) => {
    const entries = entriesOf(node);
    for (const [key, child] of entries) {
      if (Object.hasOwn(fields, key)) continue;
      const near = nearest(key, Object.keys(fields));
      const remedy =
        near === undefined ? `Known: ${Object.keys(fields).join(', ')}.` : `Did you mean ${near}?`;
      throw configError(child, 'there is no such key', remedy);
    }
    const values = Object.entries(fields).map(([key, read]) => [
      key,
      read(entries.get(key) ?? missingNode(node, key), context),
    ]);
    return Object.fromEntries(values) as ValuesOf<Section>;
  };
}

/** As `section`; undefined where it is left out as a whole. */
export function optionalSection<Section extends Fields>(
  fields: Section,
): Reader<ValuesOf<Section> | undefined> {
  const read = section(fields);
  return (node, context) => (isLeftOut(node) ? undefined : read(node, context));
}

export function text<Default extends string | undefined>(fallback: Default): Reader<string | Default> {
  return node => scalarText(node, 'a word') ?? fallback;
}

export const requiredText: Reader<string> = node => {
  const found = scalarText(node, 'a word');
  if (found === undefined || found === '') throw configError(node, 'must be set');
  return found;
};

/** YAML 1.1 words too, since registry:2 reads them. */
const booleans: Readonly<Record<string, boolean>> = {
  true: true,
  false: false,
  yes: true,
  no: false,
  on: true,
  off: false,
  y: true,
  n: false,
};

export function boolean<Default extends boolean | undefined>(fallback: Default): Reader<boolean | Default> {
  return node => {
    const found = scalarText(node, 'true or false');
    if (found === undefined) return fallback;
    const value = booleans[found.toLowerCase()];
    if (value === undefined) throw configError(node, `is ${JSON.stringify(found)}, not true or false`);
    return value;
  };
}

export interface NumberLimits {
  readonly min?: number;
  readonly max?: number;
}

export function integer<Default extends number | undefined>(
  fallback: Default,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: NumberLimits = {},
): Reader<number | Default> {
  return node => {
    const found = scalarText(node, 'a number');
    if (found === undefined) return fallback;
    const value = /^[+-]?\d{1,16}$/.test(found) ? Number(found) : Number.NaN;
    if (!(value >= min && value <= max)) {
      const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min} to ${max}`;
      throw configError(node, `is ${JSON.stringify(found)}, not a number of ${range}`);
    }
    return value;
  };
}

/** Milliseconds. */
export function duration<Default extends number | undefined>(fallback: Default): Reader<number | Default> {
  return node => {
    const found = scalarText(node, 'a duration');
    if (found === undefined) return fallback;
    const value = parseDuration(found);
    if (value === undefined || value < 0) {
      throw configError(
        node,
        `is ${JSON.stringify(found)}, not a duration`,
        'Write it like 168h, 1h30m or 10s.',
      );
    }
    return value;
  };
}

export function oneOf<const Words extends readonly string[], Default extends Words[number] | undefined>(
  words: Words,
  fallback: Default,
): Reader<Words[number] | Default> {
  return node => {
    const found = scalarText(node, 'a word');
    if (found === undefined || found === '') return fallback;
    const word = words.find(each => each === found.toLowerCase());
    if (word === undefined)
      throw configError(node, `is ${JSON.stringify(found)}, not one of ${words.join(', ')}`);
    return word;
  };
}

/** A list; none where it is left out. A single value counts as a list of one. */
export function list<Item>(read: Reader<Item>): Reader<readonly Item[]> {
  return (node, context) => {
    if (node.value.kind === 'nothing') return [];
    if (node.value.kind !== 'list') return [read(node, context)];
    return node.value.items.map(item => read(item, context));
  };
}

/** Keys that the user chooses. */
export function mapOf<Item>(read: Reader<Item>): Reader<Readonly<Record<string, Item>>> {
  return (node, context) =>
    Object.fromEntries([...entriesOf(node)].map(([key, child]) => [key, read(child, context)]));
}

const isOff = (node: ConfigNode): boolean => {
  const { value } = node;
  if (value.kind === 'nothing') return true;
  if (value.kind === 'scalar')
    return value.text === '' || value.text === '0' || booleans[value.text] === false;
  if (value.kind === 'list') return value.items.every(isOff);
  return [...value.entries.values()].every(isOff);
};

/** A key that cannot be honoured: any value but an empty one, `false` or `0` is refused, with the reason. */
export function refused(reason: string, remedy?: string): Reader<undefined> {
  return node => {
    if (isOff(node)) return undefined;
    throw configError(node, `cannot be honoured: ${reason}`, remedy ?? 'Remove the key.');
  };
}

/** A key that is read, and changes nothing for the reason that is noted. */
export function needless<Value>(read: Reader<Value>, reason: string): Reader<Value> {
  return (node, context) => {
    const value = read(node, context);
    if (!isOff(node)) context.note(node.path, reason);
    return value;
  };
}

/** Checks or turns what another reader read; where the key is left out, too. */
export function refine<Value, Result>(
  read: Reader<Value>,
  turn: (value: Value, node: ConfigNode) => Result,
): Reader<Result> {
  return (node, context) => turn(read(node, context), node);
}
