import type { EscapeToken } from './ast.ts';
import { parseShellPattern, replacePattern, trimPattern } from './shell-pattern.ts';
import { isSpace } from './space.ts';

/** Where variables come from; a Map is one. */
export interface Variables {
  get(name: string): string | undefined;
}

export interface ExpandOptions {
  readonly escape: EscapeToken;
  /** Quotes are plain characters. */
  readonly plainQuotes?: boolean;
  /** Quotes stay in the result. */
  readonly rawQuotes?: boolean;
  /** Escapes stay in the result. */
  readonly rawEscapes?: boolean;
  /** A variable without value stays as written. */
  readonly keepUnset?: boolean;
}

export interface Expansion {
  readonly text: string;
  /** The text split at the blanks that are not quoted, those out of variables included. */
  readonly words: readonly string[];
  /** Names that were asked for and have a value. */
  readonly used: ReadonlySet<string>;
  /** Names that were asked for and have none. */
  readonly unset: ReadonlySet<string>;
}

/** A word that cannot be expanded; the callers know its place in the file. */
export class ExpansionError extends Error {
  override readonly name = 'ExpansionError';
  readonly remedy: string;

  constructor(message: string, remedy = 'Write ${NAME}, or \\$ where no variable is meant.') {
    super(message);
    this.remedy = remedy;
  }
}

const closeQuote = 'Close the quote, or escape it.';

/** Nobody nests deeper; the stack ends somewhere. */
const maximumDepth = 200;

/**
 * Expands variables the way a POSIX shell does, as far as BuildKit does (frontend/dockerfile/shell): `$v`, `${v}`,
 * `${v:-w}` and its kin, `${v#p}`, `${v%p}`, `${v/p/r}`; quotes and escapes. One use each.
 */
export class Expander {
  readonly #text: string;
  readonly #variables: Variables;
  readonly #options: ExpandOptions;
  readonly #used = new Set<string>();
  readonly #unset = new Set<string>();
  #position = 0;
  #depth = 0;

  constructor(text: string, variables: Variables, options: ExpandOptions) {
    this.#text = text;
    this.#variables = variables;
    this.#options = options;
  }

  expand(): Expansion {
    const splitter = new WordSplitter();
    const text = this.#until(undefined, this.#options.rawEscapes === true, splitter);
    return { text, words: splitter.finish(), used: this.#used, unset: this.#unset };
  }

  /** Up to and over `stop`, which does not count inside quotes and braces; undefined stops at the end of the text. */
  #until(stop: string | undefined, rawEscapes: boolean, splitter?: WordSplitter): string {
    if (++this.#depth > maximumDepth)
      throw new ExpansionError('syntax error: substitutions are nested too deeply');
    const quotes = this.#options.plainQuotes !== true;
    let result = '';
    while (this.#position < this.#text.length) {
      const character = this.#text[this.#position] as string;
      if (character === stop) {
        this.#position++;
        this.#depth--;
        return result;
      }
      if (character === '$') {
        const value = this.#dollar();
        result += value;
        splitter?.add(value);
      } else if (quotes && (character === '"' || character === "'")) {
        const value = character === '"' ? this.#doubleQuoted(rawEscapes) : this.#singleQuoted();
        result += value;
        splitter?.addQuoted(value);
      } else {
        const value = this.#plain(rawEscapes);
        result += value;
        if (character === this.#options.escape) splitter?.addQuoted(value);
        else splitter?.add(value);
      }
    }
    this.#depth--;
    if (stop !== undefined) {
      throw new ExpansionError(`unexpected end of statement while looking for matching ${stop}`);
    }
    return result;
  }

  /** One character, or what an escape token makes of the next. */
  #plain(rawEscapes: boolean): string {
    const character = this.#text[this.#position++] as string;
    if (character !== this.#options.escape) return character;
    const kept = rawEscapes ? character : '';
    return this.#position < this.#text.length ? kept + this.#take() : kept;
  }

  /** A whole code point, so that an escaped one is not cut in halves. */
  #take(): string {
    const character = String.fromCodePoint(this.#text.codePointAt(this.#position) ?? 0);
    this.#position += character.length;
    return character;
  }

  #singleQuoted(): string {
    const end = this.#text.indexOf("'", this.#position + 1);
    if (end < 0) {
      throw new ExpansionError(
        'unexpected end of statement while looking for matching single-quote',
        closeQuote,
      );
    }
    const raw = this.#options.rawQuotes === true;
    const value = this.#text.slice(this.#position + (raw ? 0 : 1), end + (raw ? 1 : 0));
    this.#position = end + 1;
    return value;
  }

  #doubleQuoted(rawEscapes: boolean): string {
    const quote = this.#options.rawQuotes === true ? '"' : '';
    let result = quote;
    this.#position++;
    while (this.#position < this.#text.length) {
      const character = this.#text[this.#position] as string;
      if (character === '"') {
        this.#position++;
        return result + quote;
      }
      if (character === '$') {
        result += this.#dollar();
        continue;
      }
      this.#position++;
      if (character !== this.#options.escape) {
        result += character;
        continue;
      }
      if (rawEscapes) result += character;
      const next = this.#text[this.#position];
      if (next === undefined) continue;
      // only these can be escaped here; any other backslash is one
      if (next === '"' || next === '$' || next === this.#options.escape) {
        result += next;
        this.#position++;
      } else result += character;
    }
    throw new ExpansionError(
      'unexpected end of statement while looking for matching double-quote',
      closeQuote,
    );
  }

  #dollar(): string {
    this.#position++;
    if (this.#text[this.#position] !== '{') {
      const name = this.#name();
      if (name === '') return '$';
      const value = this.#lookUp(name);
      return value ?? (this.#options.keepUnset === true ? `$${name}` : '');
    }
    this.#position++;
    const first = this.#text[this.#position];
    if (first === undefined) throw new ExpansionError("syntax error: missing '}'");
    if (first === '{' || first === '}' || first === ':') {
      throw new ExpansionError('syntax error: bad substitution');
    }
    return this.#substitution(this.#name());
  }

  /** What follows the name in `${name…}`. */
  #substitution(name: string): string {
    const keep = this.#options.keepUnset === true;
    let operator = this.#text[this.#position++] ?? '';
    if (operator === '}') {
      const value = this.#lookUp(name);
      return value ?? (keep ? `\${${name}}` : '');
    }
    if (operator === '/') return this.#replacement(name);
    const colon = operator === ':';
    if (colon) operator = this.#text[this.#position++] ?? '';
    const written = (colon ? ':' : '') + operator;
    if (!(colon || '+-?#%'.includes(operator)) || operator === '') {
      throw new ExpansionError(`unsupported modifier (${written}) in substitution`);
    }
    const pattern = operator === '#' || operator === '%';
    const word = this.#braced(() => this.#until('}', pattern), "syntax error: missing '}'");
    const value = this.#lookUp(name);
    if (value === undefined && keep) return `\${${name}${written}${word}}`;
    const missing = value === undefined || (colon && value === '');
    if (operator === '-') return missing ? word : value;
    if (operator === '+') return missing ? '' : word;
    if (operator === '?') {
      if (!missing) return value;
      const problem = value === undefined ? 'unset' : 'empty';
      const message = word === '' ? `is not allowed to be ${problem}` : word;
      throw new ExpansionError(`${name}: ${message}`, `Give ${name} a value: --build-arg, ARG or ENV.`);
    }
    if (!pattern) throw new ExpansionError(`unsupported modifier (${written}) in substitution`);
    return this.#trimmed(value ?? '', word, operator);
  }

  #trimmed(value: string, word: string, operator: string): string {
    const longest = word.startsWith(operator);
    const pattern = this.#pattern(longest ? word.slice(1) : word);
    return trimPattern(value, pattern, { side: operator === '#' ? 'start' : 'end', longest });
  }

  #replacement(name: string): string {
    const all = this.#text[this.#position] === '/';
    if (all) this.#position++;
    const word = this.#braced(() => this.#until('/', true), "syntax error: missing '/' in ${}");
    const replacement = this.#braced(() => this.#until('}', true), "syntax error: missing '}'");
    const value = this.#lookUp(name);
    if (value === undefined && this.#options.keepUnset === true) return `\${${name}/${word}/${replacement}}`;
    return replacePattern(value ?? '', this.#pattern(word), { replacement, all });
  }

  #pattern(word: string): ReturnType<typeof parseShellPattern> & object {
    const pattern = parseShellPattern(word);
    if (typeof pattern === 'string') {
      throw new ExpansionError(`invalid pattern (${word}) in substitution: ${pattern}`);
    }
    return pattern;
  }

  /** A brace that is never closed gets a message of its own. */
  #braced(read: () => string, message: string): string {
    try {
      return read();
    } catch (error) {
      if (error instanceof ExpansionError && this.#position >= this.#text.length)
        throw new ExpansionError(message);
      throw error;
    }
  }

  #name(): string {
    const digits = /\p{Nd}+|[@*#?$!-]|[\p{L}\p{Nd}_]*/uy;
    digits.lastIndex = this.#position;
    const name = digits.exec(this.#text)?.[0] ?? '';
    this.#position += name.length;
    return name;
  }

  #lookUp(name: string): string | undefined {
    const value = this.#variables.get(name);
    (value === undefined ? this.#unset : this.#used).add(name);
    return value;
  }
}

/** Cuts a text into words while it is made. */
class WordSplitter {
  readonly #words: string[] = [];
  #word = '';

  /** Blanks in `text` end words. */
  add(text: string): void {
    if (text.length === 1 && !isSpace(text.charCodeAt(0))) {
      this.#word += text;
      return;
    }
    let start = 0;
    for (let index = 0; index < text.length; index++) {
      if (!isSpace(text.charCodeAt(index))) continue;
      this.#word += text.slice(start, index);
      this.#end();
      start = index + 1;
    }
    this.#word += text.slice(start);
  }

  /** Blanks in `text` are part of a word. */
  addQuoted(text: string): void {
    this.#word += text;
  }

  finish(): readonly string[] {
    this.#end();
    return this.#words;
  }

  #end(): void {
    if (this.#word !== '') this.#words.push(this.#word);
    this.#word = '';
  }
}
