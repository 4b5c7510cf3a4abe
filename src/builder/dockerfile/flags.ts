import { nearest } from '../../util/nearest.ts';
import type { DockerfileNode } from './ast.ts';
import { dockerfileError } from './errors.ts';
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
    const equals = flag.text.indexOf('=');
    const name = flag.text.slice(2, equals < 0 ? undefined : equals);
    const value = equals < 0 ? undefined : flag.text.slice(equals + 1);
    const type = Object.hasOwn(known, name) ? known[name] : undefined;
    if (type === undefined) throw unknownFlag(node, flag, { name, known });
    const earlier = values.get(name) ?? [];
    const problem = problemOf({ name, value, type, repeated: earlier.length > 0 });
    if (problem !== undefined) {
      throw dockerfileError(problem.message, locationIn(node.line, flag), problem.remedy);
    }
    earlier.push({ ...valueRange(node, flag, value ?? ''), text: value ?? '' });
    values.set(name, earlier);
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

function unknownFlag(
  node: DockerfileNode,
  flag: Word,
  { name, known }: { readonly name: string; readonly known: Readonly<Record<string, FlagType>> },
): Error {
  const near = nearest(name, Object.keys(known));
  const message = `unknown flag: --${name}${near === undefined ? '' : ` (did you mean ${near}?)`}`;
  const remedy = near === undefined ? knownFlags(node.keyword.text.toUpperCase(), known) : `Write --${near}.`;
  return dockerfileError(message, locationIn(node.line, flag), remedy);
}

interface GivenFlag {
  readonly name: string;
  readonly value: string | undefined;
  readonly type: FlagType;
  readonly repeated: boolean;
}

function problemOf(flag: GivenFlag): { readonly message: string; readonly remedy: string } | undefined {
  const { name, value, type } = flag;
  if (flag.repeated && type !== 'texts') {
    return { message: `duplicate flag specified: --${name}`, remedy: 'Keep one of them.' };
  }
  if (type === 'boolean' ? value === '' : value === undefined) {
    return { message: `missing a value on flag: --${name}`, remedy: `Write --${name}=VALUE.` };
  }
  if (type === 'boolean' && value !== undefined && !/^(?:true|false)$/i.test(value)) {
    const message = `expecting boolean value for flag --${name}, not: ${value}`;
    return { message, remedy: `Write --${name} or --${name}=false.` };
  }
  return undefined;
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
