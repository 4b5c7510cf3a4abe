import type { DockerfileNode } from './ast.ts';
import { dockerfileError, suggestion } from './errors.ts';
import type { Word } from './source.ts';
import { locationIn } from './source.ts';

type FlagType = 'text' | 'texts' | 'boolean';

/** The flags of one instruction, by name. */
export interface Flags {
  text(name: string): Word | undefined;
  texts(name: string): readonly Word[];
  boolean(name: string): boolean | undefined;
}

/** Checks the flags of an instruction against those it knows; throws in BuildKit's words. */
export function readFlags(node: DockerfileNode, known: Readonly<Record<string, FlagType>> = {}): Flags {
  const values = new Map<string, Word[]>();
  for (const flag of node.flags) {
    const location = locationIn(node.line, flag);
    const equals = flag.text.indexOf('=');
    const name = flag.text.slice(2, equals < 0 ? undefined : equals);
    const type = Object.hasOwn(known, name) ? known[name] : undefined;
    if (type === undefined) {
      const { suffix, remedy } = suggestion(name, Object.keys(known));
      const keyword = node.keyword.text.toUpperCase();
      throw dockerfileError(
        `unknown flag: --${name}${suffix}`,
        location,
        remedy === undefined ? knownFlags(keyword, known) : `Write --${remedy.slice('Write '.length)}`,
      );
    }
    const earlier = values.get(name) ?? [];
    if (earlier.length > 0 && type !== 'texts') {
      throw dockerfileError(`duplicate flag specified: --${name}`, location, 'Keep one of them.');
    }
    const value = equals < 0 ? '' : flag.text.slice(equals + 1);
    if (type === 'boolean' ? equals >= 0 && value === '' : equals < 0) {
      throw dockerfileError(`missing a value on flag: --${name}`, location, `Write --${name}=VALUE.`);
    }
    if (type === 'boolean' && !/^(|true|false)$/i.test(value)) {
      const message = `expecting boolean value for flag --${name}, not: ${value}`;
      throw dockerfileError(message, location, `Write --${name} or --${name}=false.`);
    }
    values.set(name, [...earlier, { ...valueRange(node, flag, value), text: value }]);
  }
  return {
    text: name => values.get(name)?.[0],
    texts: name => values.get(name) ?? [],
    boolean: name => {
      const value = values.get(name)?.[0];
      return value === undefined ? undefined : value.text.toLowerCase() !== 'false';
    },
  };
}

/** The value alone where the flag is written plainly; the whole flag where quotes make that unclear. */
function valueRange(
  node: DockerfileNode,
  flag: Word,
  value: string,
): { readonly start: number; readonly end: number } {
  const start = flag.end - value.length;
  return node.line.text.slice(start, flag.end) === value && value !== '' ? { start, end: flag.end } : flag;
}

function knownFlags(keyword: string, known: Readonly<Record<string, FlagType>>): string {
  const names = Object.keys(known).map(name => `--${name}`);
  return names.length === 0 ? `${keyword} has no flags.` : `${keyword} has ${names.join(', ')}.`;
}
