/** A word of a shell command. Offsets are those of the script's text. */
export interface ShellWord {
  readonly start: number;
  readonly end: number;
  /** As written. */
  readonly raw: string;
  /** Without quotes and escapes; undefined where only the shell knows it: variables, substitutions. */
  readonly value: string | undefined;
  /** Some part of it is quoted, so that it is neither keyword nor pattern. */
  readonly quoted: boolean;
}

export type ShellOperator = '&&' | '||' | ';' | '|' | '&' | '\n' | '(' | ')';

/** A simple command, without the assignments before it. */
export interface ShellCommand {
  readonly words: readonly ShellWord[];
  readonly assignments: readonly ShellWord[];
  /** What stands before it; undefined at the beginning. */
  readonly before: ShellOperator | undefined;
  readonly start: number;
  readonly end: number;
}

export interface ShellScript {
  readonly text: string;
  readonly commands: readonly ShellCommand[];
  /** Simple commands only, in pipes and joined by `&&`: then the parts of it can be moved. */
  readonly isChain: boolean;
}

type Token = ShellWord | { readonly operator: ShellOperator; readonly start: number; readonly end: number };

/** Words that begin or part compound commands; what follows them is a command again. */
const keywords: ReadonlySet<string> = new Set(
  'if then elif else fi for in while until do done case esac { } ! function time'.split(' '),
);

/**
 * Cuts a shell script into its simple commands, as far as a linter needs it: compound commands become a list of what
 * they hold. It never fails; time is linear.
 */
export function parseShell(text: string): ShellScript {
  const lexer = new Lexer(text);
  const commands: ShellCommand[] = [];
  let isChain = true;
  let before: ShellOperator | undefined;
  let words: ShellWord[] = [];
  const finish = () => {
    const command = toCommand(words, before);
    if (command !== undefined) commands.push(command);
    words = [];
  };
  for (let token = lexer.next(); token !== undefined; token = lexer.next()) {
    if ('operator' in token) {
      finish();
      before = token.operator;
      isChain &&= token.operator === '&&' || token.operator === '|';
    } else if (words.length === 0 && !token.quoted && keywords.has(token.raw)) isChain = false;
    else words.push(token);
  }
  finish();
  return { text, commands, isChain: isChain && !lexer.isOdd };
}

function toCommand(words: readonly ShellWord[], before: ShellOperator | undefined): ShellCommand | undefined {
  const first = words[0];
  const last = words.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const found = words.findIndex(({ raw }) => !/^[A-Za-z_]\w*\+?=/.test(raw));
  const split = found < 0 ? words.length : found;
  return {
    words: words.slice(split),
    assignments: words.slice(0, split),
    before,
    start: first.start,
    end: last.end,
  };
}

class Lexer {
  /** Has what cannot be moved: comments, heredocs, quotes without end. */
  isOdd = false;
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  next(): Token | undefined {
    this.#skipBlanks();
    if (this.#position >= this.#text.length) return undefined;
    return this.#operator() ?? this.#word();
  }

  #skipBlanks(): void {
    for (;;) {
      const character = this.#text[this.#position];
      if (character === ' ' || character === '\t' || character === '\r') this.#position++;
      else if (character === '\\' && this.#text[this.#position + 1] === '\n') this.#position += 2;
      else if (character === '#') {
        this.isOdd = true;
        const end = this.#text.indexOf('\n', this.#position);
        this.#position = end < 0 ? this.#text.length : end;
      } else return;
    }
  }

  #operator(): Token | undefined {
    const start = this.#position;
    const match = /&&|\|\||;;&|;;|[;|&\n()]/y;
    match.lastIndex = start;
    const found = match.exec(this.#text)?.[0];
    if (found === undefined) return undefined;
    this.#position += found.length;
    const operator = (found.startsWith(';') ? ';' : found) as ShellOperator;
    return { operator, start, end: this.#position };
  }

  #word(): ShellWord {
    const start = this.#position;
    let value: string | undefined = '';
    let quoted = false;
    while (this.#position < this.#text.length) {
      const character = this.#text[this.#position] as string;
      if (/[ \t\r\n;|&()]/.test(character) && !this.#inRedirection(start)) break;
      const part = this.#part(character);
      quoted ||= character === '"' || character === "'" || character === '\\';
      value = value === undefined || part === undefined ? undefined : value + part;
    }
    const raw = this.#text.slice(start, this.#position);
    if (!quoted && raw.includes('<<')) this.isOdd = true;
    return { start, end: this.#position, raw, value, quoted };
  }

  /** The `&` of `2>&1` and `>&2` is no operator. */
  #inRedirection(start: number): boolean {
    const character = this.#text[this.#position];
    const previous = this.#text[this.#position - 1];
    return character === '&' && this.#position > start && (previous === '>' || previous === '<');
  }

  /** A piece of a word, undefined where its value is for the shell to know. */
  #part(character: string): string | undefined {
    switch (character) {
      case "'":
        return this.#until("'", 1);
      case '"':
        return this.#doubleQuoted();
      case '\\':
        return this.#escaped();
      case '`':
        this.#until('`', 1);
        return undefined;
      case '$':
        this.#dollar();
        return undefined;
      default:
        this.#position++;
        return character;
    }
  }

  #escaped(): string {
    const next = this.#text[this.#position + 1];
    if (next === undefined) this.isOdd = true;
    this.#position += next === undefined ? 1 : 2;
    return next === undefined || next === '\n' ? '' : next;
  }

  #until(stop: string, from: number): string {
    const start = this.#position + from;
    const end = this.#text.indexOf(stop, start);
    if (end < 0) this.isOdd = true;
    this.#position = end < 0 ? this.#text.length : end + stop.length;
    return this.#text.slice(start, end < 0 ? undefined : end);
  }

  #doubleQuoted(): string | undefined {
    let value: string | undefined = '';
    this.#position++;
    while (this.#position < this.#text.length) {
      const character = this.#text[this.#position] as string;
      if (character === '"') {
        this.#position++;
        return value;
      }
      const part = character === "'" ? this.#plain(character) : this.#part(character);
      value = value === undefined || part === undefined ? undefined : value + part;
    }
    this.isOdd = true;
    return value;
  }

  #plain(character: string): string {
    this.#position++;
    return character;
  }

  /** `$name`, `${…}`, `$(…)`, `$((…))`; what is inside brackets is passed over by counting them. */
  #dollar(): void {
    const open = this.#text[++this.#position];
    if (open !== '(' && open !== '{') return;
    const close = open === '(' ? ')' : '}';
    let depth = 0;
    for (; this.#position < this.#text.length; this.#position++) {
      const character = this.#text[this.#position];
      if (character === '\\') this.#position++;
      else if (character === "'" && open === '(') this.#position = this.#endOfQuote();
      else if (character === open) depth++;
      else if (character === close && --depth === 0) {
        this.#position++;
        return;
      }
    }
    this.isOdd = true;
    this.#position = this.#text.length;
  }

  #endOfQuote(): number {
    const end = this.#text.indexOf("'", this.#position + 1);
    return end < 0 ? this.#text.length : end;
  }
}
