import type { ShellCommand, ShellWord } from './parse-shell.ts';

/** A program that a command runs, with its arguments. */
export interface Invocation {
  /** Without folders, e.g. `apt-get`; undefined where only the shell knows it. */
  readonly program: string;
  readonly word: ShellWord;
  readonly args: readonly ShellWord[];
}

/** Programs that run the command behind them. */
const wrappers: ReadonlySet<string> = new Set(['sudo', 'env', 'exec', 'command', 'nice', 'time', 'nohup']);

/** What a command runs, behind `sudo` and its kind; `python3 -m pip` is pip. */
export function invocationOf({ words }: ShellCommand): Invocation | undefined {
  let index = 0;
  while (wrappers.has(words[index]?.value ?? '')) {
    index++;
    while (/^-|^[A-Za-z_]\w*=/.test(words[index]?.raw ?? '')) index++;
  }
  const word = words[index];
  const program = word?.value?.split('/').at(-1);
  if (word === undefined || program === undefined || program === '') return undefined;
  const args = words.slice(index + 1);
  const [module, name, ...rest] = args;
  if (/^python[\d.]*$/.test(program) && module?.value === '-m' && name?.value !== undefined) {
    return { program: name.value, word: name, args: rest };
  }
  return { program, word, args };
}

/** Options whose value is a word of its own. */
const withValue: ReadonlySet<string> = new Set(['-o', '-c', '-t', '--prefix', '-C', '--installroot']);

/** The first argument that is no option: `install` in `apt-get -y install curl`. */
export function verbOf({ args }: Invocation): ShellWord | undefined {
  for (let index = 0; index < args.length; index++) {
    const value = args[index]?.value;
    if (value !== undefined && withValue.has(value)) index++;
    else if (value?.startsWith('-') !== true) return args[index];
  }
  return undefined;
}

export function hasOption({ args }: Invocation, pattern: RegExp): boolean {
  return args.some(({ value }) => value !== undefined && pattern.test(value));
}

/** The arguments behind the verb that are no options. */
export function operandsOf(invocation: Invocation): readonly ShellWord[] {
  const verb = verbOf(invocation);
  const from = verb === undefined ? -1 : invocation.args.indexOf(verb);
  return invocation.args.slice(from + 1).filter(({ raw }) => !raw.startsWith('-'));
}
