import type { Heredoc } from './ast.ts';
import { Expander } from './expander.ts';

const noVariables: ReadonlyMap<string, string> = new Map();

/** What stands before the content is read. */
export type HeredocMark = Omit<Heredoc, 'content' | 'line'>;

/**
 * The heredoc that a word like `3<<-"EOF"` opens, undefined when it opens none. The word is lexed with `\` whatever the
 * escape directive says. Throws what the lexer throws: a quote without its other half.
 */
export function parseHeredocMark(word: string): HeredocMark | undefined {
  const match = /^(\d*)<<(-?)/.exec(word);
  if (match === null) return undefined;
  const rest = word.slice(match[0].length).replace(/^[\t\n\f\r ]+/, '');
  if (rest === '' || rest.includes('<')) return undefined;
  const plain = new Expander(rest, noVariables, { escape: '\\', keepUnset: true }).expand();
  const [name] = plain.words;
  if (name === undefined || plain.words.length !== 1) return undefined;
  const raw = new Expander(rest, noVariables, { escape: '\\', keepUnset: true, rawQuotes: true }).expand();
  return {
    name,
    fileDescriptor: Math.min(Number(match[1] ?? ''), Number.MAX_SAFE_INTEGER),
    chomp: match[2] === '-',
    expand: quotesIn(raw.words[0] ?? '') === quotesIn(name),
  };
}

/** All heredocs that an instruction opens, in order. */
export function heredocMarks(text: string): HeredocMark[] {
  const marks: HeredocMark[] = [];
  let words: readonly string[];
  try {
    const lexer = new Expander(text, noVariables, {
      escape: '\\',
      keepUnset: true,
      rawQuotes: true,
      rawEscapes: true,
    });
    words = lexer.expand().words;
  } catch {
    // BuildKit ignores this error: a line that the lexer refuses opens no heredoc, the shell will judge it
    return marks;
  }
  for (let index = 0; index < words.length; index++) {
    let word = words[index] as string;
    // a blank may stand between `<<` and the name
    if (/^\d*<<-?$/.test(word) && words[index + 1] !== undefined) word += words[++index];
    const mark = parseHeredocMark(word);
    if (mark !== undefined) marks.push(mark);
  }
  return marks;
}

/** What the file or the script gets: for `<<-` without the leading tabs of each line. */
export function heredocContent(heredoc: Pick<Heredoc, 'chomp' | 'content'>): string {
  return heredoc.chomp ? heredoc.content.replace(/^\t+/gm, '') : heredoc.content;
}

function quotesIn(text: string): number {
  let count = 0;
  for (const character of text) if (character === '"' || character === "'") count++;
  return count;
}
