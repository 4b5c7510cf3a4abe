import type { DockerfileNode, EscapeToken, Pair } from './ast.ts';
import { dockerfileError } from './errors.ts';
import { parseJsonWords } from './json-words.ts';
import type { LogicalLine, Word } from './source.ts';
import { locationIn } from './source.ts';
import { endWithoutSpace, isSpace, isWordBreak, skipSpace } from './space.ts';
import type { Span } from './words.ts';
import { splitCommand, splitQuotedWords, splitWords } from './words.ts';

interface NodeInput {
  readonly line: LogicalLine;
  /** Where the instruction begins in the line. */
  readonly start: number;
  readonly comments: readonly string[];
  readonly escape: EscapeToken;
}

type Arguments = Partial<Pick<DockerfileNode, 'args' | 'pairs' | 'json' | 'trigger'>>;

/** Splits one instruction into keyword, flags and arguments, each kind of instruction its own way. */
export function parseNode(input: NodeInput): DockerfileNode {
  const { line, escape } = input;
  const end = endWithoutSpace(line.text);
  const split = splitCommand({ text: line.text, start: input.start, end }, escape);
  const span = { text: line.text, start: split.rest, end };
  return {
    keyword: split.keyword,
    flags: split.flags,
    args: [],
    pairs: [],
    json: false,
    heredocs: [],
    comments: input.comments,
    line,
    restOffset: split.rest,
    ...argumentsOf(split.keyword, span, input),
  };
}

function argumentsOf(keyword: Word, span: Span, input: NodeInput): Arguments {
  if (span.start >= span.end) return {};
  switch (keyword.text.toLowerCase()) {
    case 'add':
    case 'copy':
    case 'volume':
      return jsonWords(span, input) ?? { args: splitWords(span) };
    case 'cmd':
    case 'entrypoint':
    case 'run':
    case 'shell':
      return jsonWords(span, input) ?? { args: [wholeOf(span)] };
    case 'expose':
    case 'from':
      return { args: splitWords(span) };
    case 'arg':
      return { args: splitQuotedWords(span, input.escape) };
    case 'env':
    case 'label':
      return { pairs: pairsOf(keyword, span, input) };
    case 'healthcheck':
      return healthcheck(span, input);
    case 'onbuild':
      return onbuild(span, input);
    case 'maintainer':
    case 'stopsignal':
    case 'user':
    case 'workdir':
      return { args: [wholeOf(span)] };
    default:
      // unknown keywords are refused when the instruction is interpreted
      return {};
  }
}

function wholeOf(span: Span): Word {
  return { text: span.text.slice(span.start, span.end), start: span.start, end: span.end };
}

/** The words of the JSON form, undefined when it is none. */
function jsonWords(span: Span, input: NodeInput): Arguments | undefined {
  const words = parseJsonWords(span.text.slice(span.start, span.end));
  if (words === undefined) return undefined;
  if (words === 'not-strings') {
    throw dockerfileError(
      'when using JSON array syntax, arrays must be comprised of strings only',
      locationIn(input.line, span),
      'Put each element into double quotes.',
    );
  }
  return { json: true, args: words.map(text => ({ text, start: span.start, end: span.end })) };
}

/** `name=value …`, or the old `name value`. */
function pairsOf(keyword: Word, span: Span, input: NodeInput): Pair[] {
  const words = splitQuotedWords(span, input.escape);
  const [first] = words;
  if (first === undefined) return [];
  if (!first.text.includes('=')) return [legacyPair(keyword, span, input)];
  return words.map(word => {
    const equals = word.text.indexOf('=');
    if (equals < 0) {
      throw dockerfileError(
        `Syntax error - can't find = in ${JSON.stringify(word.text)}. Must be of the form: name=value`,
        locationIn(input.line, word),
        'Put values with blanks into quotes.',
      );
    }
    const middle = word.start + equals;
    return {
      name: { text: word.text.slice(0, equals), start: word.start, end: middle },
      value: { text: word.text.slice(equals + 1), start: middle + 1, end: word.end },
      legacy: false,
    };
  });
}

function legacyPair(keyword: Word, span: Span, input: NodeInput): Pair {
  const { text, start, end } = span;
  let nameEnd = start;
  while (nameEnd < end && !isWordBreak(text.charCodeAt(nameEnd))) nameEnd++;
  let value = nameEnd;
  while (value < end && isWordBreak(text.charCodeAt(value))) value++;
  if (value >= end) {
    const name = keyword.text.toUpperCase();
    throw dockerfileError(
      `${name} must have two arguments`,
      locationIn(input.line, span),
      `Write ${name} ${text.slice(start, end)}=VALUE.`,
    );
  }
  return {
    name: { text: text.slice(start, nameEnd), start, end: nameEnd },
    value: { text: text.slice(value, end), start: value, end },
    legacy: true,
  };
}

/** A type, then a command. */
function healthcheck(span: Span, input: NodeInput): Arguments {
  let end = span.start;
  while (end < span.end && !isSpace(span.text.charCodeAt(end))) end++;
  const type = { text: span.text.slice(span.start, end), start: span.start, end };
  const rest = { text: span.text, start: Math.min(skipSpace(span.text, end), span.end), end: span.end };
  if (rest.start >= rest.end) return { args: [type] };
  const json = jsonWords(rest, input);
  if (json === undefined) return { args: [type, wholeOf(rest)] };
  return { ...json, args: [type, ...(json.args ?? [])] };
}

function onbuild(span: Span, input: NodeInput): Arguments {
  const second = splitCommand(span, input.escape).keyword;
  // one level is refused by name later; a hundred thousand must not be a stack overflow
  if (second.text.toLowerCase() === 'onbuild') return { args: [second] };
  return { trigger: parseNode({ ...input, start: span.start, comments: [] }) };
}
