import type { Interfaces } from '@oclif/core';

type FlagTable = Readonly<Record<string, Pick<Interfaces.Flag<unknown>, 'char' | 'type'>>>;

function takesValue(flags: FlagTable, word: string): boolean {
  if (word.startsWith('--')) return !word.includes('=') && flags[word.slice(2)]?.type === 'option';
  const byChar = (char: string) => Object.values(flags).find(flag => flag.char === char);
  for (const [index, char] of word.slice(1).split('').entries()) {
    if (byChar(char)?.type === 'option') return index === word.length - 2;
  }
  return false;
}

/**
 * Puts `--` before the first plain word, so that what follows it belongs to the program in the container, flags and
 * all: `run -d --name x alpine ls -l` → `run -d --name x -- alpine ls -l`. Docker stops at the first plain word too.
 */
export function endFlagsAtFirstWord(argv: readonly string[], flags: FlagTable): string[] {
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? '';
    if (word === '--') return [...argv];
    if (!word.startsWith('-') || word === '-') return [...argv.slice(0, index), '--', ...argv.slice(index)];
    if (takesValue(flags, word)) index++;
  }
  return [...argv];
}
