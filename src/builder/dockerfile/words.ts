import type { EscapeToken } from './ast.ts';
import type { Word } from './source.ts';
import { isSpace, isWordBreak, skipSpace } from './space.ts';

/** A part of a logical line. */
export interface Span {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export interface SplitCommand {
  readonly keyword: Word;
  readonly flags: readonly Word[];
  /** Offset of the arguments. */
  readonly rest: number;
}

/** Keyword, leading flags, arguments of an instruction that begins at `span.start`. */
export function splitCommand(span: Span, escape: EscapeToken): SplitCommand {
  const { text, end } = span;
  const start = Math.min(skipSpace(text, span.start), end);
  let index = start;
  while (index < end && !isWordBreak(text.charCodeAt(index))) index++;
  const keyword = { text: text.slice(start, index), start, end: index };
  const flags: Word[] = [];
  for (;;) {
    index = Math.min(skipSpace(text, index), end);
    if (!text.startsWith('--', index) || index + 2 > end) break;
    const flag = readFlag({ text, start: index, end }, escape);
    index = flag.end;
    if (flag.text === '--') {
      index = Math.min(skipSpace(text, index), end);
      break;
    }
    flags.push(flag);
  }
  return { keyword, flags, rest: index };
}

/** A flag word with its quotes and escapes taken away. */
function readFlag(span: Span, escape: EscapeToken): Word {
  const { text, start, end } = span;
  let quote = '';
  let word = '';
  let index = start;
  for (; index < end; index++) {
    let character = text[index] as string;
    if (quote === '' && isSpace(text.charCodeAt(index))) break;
    if (character === quote) {
      quote = '';
      continue;
    }
    if (quote === '' && (character === '"' || character === "'")) {
      quote = character;
      continue;
    }
    if (character === escape) {
      if (index + 1 >= end) continue;
      character = text[++index] as string;
    }
    word += character;
  }
  return { text: word, start, end: index };
}

/** Words between blanks: the way of FROM, EXPOSE, COPY, ADD and VOLUME. Quotes mean nothing here. */
export function splitWords(span: Span): Word[] {
  const { text, end } = span;
  const words: Word[] = [];
  let index = span.start;
  while (index < end) {
    let stop = index;
    while (stop < end && !isWordBreak(text.charCodeAt(stop))) stop++;
    words.push({ text: text.slice(index, stop), start: index, end: stop });
    while (stop < end && isWordBreak(text.charCodeAt(stop))) stop++;
    index = stop;
  }
  return words;
}

/** Words between blanks that are not quoted: the way of ENV, LABEL and ARG. Quotes and escapes stay in the words. */
export function splitQuotedWords(span: Span, escape: EscapeToken): Word[] {
  const { text, end } = span;
  const words: Word[] = [];
  let index = Math.min(skipSpace(text, span.start), end);
  while (index < end) {
    const word = readQuotedWord({ text, start: index, end }, escape);
    if (word.text !== '') words.push(word);
    index = Math.min(skipSpace(text, word.end), end);
  }
  return words;
}

function readQuotedWord(span: Span, escape: EscapeToken): Word {
  const { text, start, end } = span;
  let quote = '';
  let index = start;
  let dropped = '';
  for (; index < end; index++) {
    const character = text[index] as string;
    if (quote === '' && isSpace(text.charCodeAt(index))) break;
    if (character === quote) quote = '';
    else if (quote === '' && (character === '"' || character === "'")) quote = character;
    if (character === escape && quote !== "'") {
      // an escape token with nothing behind it is dropped
      if (index + 1 >= end) dropped = escape;
      else index++;
    }
  }
  const stop = Math.min(index, end);
  return { text: text.slice(start, stop - dropped.length), start, end: stop };
}
