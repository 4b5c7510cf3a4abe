import { Buffer } from 'node:buffer';
import type { Dockerfile, DockerfileNode, EscapeToken, Heredoc } from './ast.ts';
import { DirectiveReader } from './directives.ts';
import { dockerfileError } from './errors.ts';
import { ExpansionError } from './expander.ts';
import type { HeredocMark } from './heredoc.ts';
import { heredocMarks } from './heredoc.ts';
import { parseNode } from './node.ts';
import type { DockerfileSource, LogicalLine } from './source.ts';
import { locationIn, locationOfLines } from './source.ts';
import { skipSpace, trimSpace } from './space.ts';

/** Bytes; BuildKit reads no longer line. */
const maximumLine = 65_535;

/** Linear in the length of the file, whatever stands in it. */
class Reader {
  readonly #source: DockerfileSource;
  /** Physical lines with their ends. */
  readonly #raw: readonly string[];
  readonly #directives: DirectiveReader;
  readonly #nodes: DockerfileNode[] = [];
  readonly #emptyContinuations: DockerfileNode[] = [];
  #comments: string[] = [];
  /** How many lines were read. */
  #read = 0;

  constructor(source: DockerfileSource, raw: readonly string[]) {
    this.#source = source;
    this.#raw = raw;
    this.#directives = new DirectiveReader(source);
  }

  parse(): Dockerfile {
    while (this.#read < this.#raw.length) this.#instruction();
    if (this.#nodes.length === 0) {
      const location = locationOfLines(this.#source, Math.max(1, this.#raw.length));
      throw dockerfileError('file with no instructions', location, 'Begin with a FROM line.');
    }
    return {
      source: this.#source,
      escape: this.#directives.escape,
      directives: this.#directives.directives,
      nodes: this.#nodes,
      emptyContinuations: this.#emptyContinuations,
    };
  }

  /** One instruction, or one line that is none. */
  #instruction(): void {
    const startLine = this.#read + 1;
    const physical = this.#next();
    const start = skipSpace(physical, 0);
    const text = physical.slice(start);
    const directive = this.#directives.read(text, startLine);
    if (text.startsWith('#')) {
      const comment = trimSpace(text.slice(1));
      if (comment === '') this.#comments = [];
      else if (!directive) this.#comments.push(comment);
      return;
    }
    const joined = this.#join(text, { line: startLine, column: start + 1 });
    if (joined.text === '' && joined.complete) {
      // a comment describes what stands right below it
      this.#comments = [];
      return;
    }
    let line: LogicalLine = { source: this.#source, startLine, endLine: this.#read, ...joined };
    const comments = this.#comments;
    this.#comments = [];
    const bare = parseNode({ line, start: 0, comments, escape: this.#directives.escape });
    const heredocs = takesHeredocs(bare) ? this.#heredocs(line) : [];
    line = { ...line, endLine: this.#read };
    const node = withHeredocs(bare, line, heredocs);
    this.#nodes.push(node);
    if (joined.emptyContinuation) this.#emptyContinuations.push(node);
  }

  /** The first physical line and those that continue it. */
  #join(
    first: string,
    place: { readonly line: number; readonly column: number },
  ): Pick<LogicalLine, 'text' | 'segments'> & { complete: boolean; emptyContinuation: boolean } {
    const escape = this.#directives.escape;
    let end = continuationAt(first, escape);
    const parts = [end === undefined ? first : first.slice(0, end)];
    const segments = [{ offset: 0, ...place }];
    let offset = parts[0]?.length ?? 0;
    let emptyContinuation = false;
    while (end !== undefined && this.#read < this.#raw.length) {
      const physical = this.#next();
      const content = skipSpace(physical, 0);
      if (physical[content] === '#') continue;
      if (content === physical.length) {
        emptyContinuation = true;
        continue;
      }
      end = continuationAt(physical, escape);
      const part = end === undefined ? physical : physical.slice(0, end);
      segments.push({ offset, line: this.#read, column: 1 });
      parts.push(part);
      offset += part.length;
    }
    return {
      text: parts.join(''),
      segments,
      complete: parts.length === 1 && end === undefined,
      emptyContinuation,
    };
  }

  #heredocs(line: LogicalLine): Heredoc[] {
    if (!line.text.includes('<<')) return [];
    let marks: HeredocMark[];
    try {
      marks = heredocMarks(line.text);
    } catch (error) {
      if (!(error instanceof ExpansionError)) throw error;
      throw dockerfileError(error.message, locationIn(line), 'Close the quote of the heredoc name.');
    }
    return marks.map(mark => this.#heredoc(mark, line));
  }

  #heredoc(mark: HeredocMark, line: LogicalLine): Heredoc {
    const first = this.#read + 1;
    const parts: string[] = [];
    while (this.#read < this.#raw.length) {
      const raw = this.#raw[this.#read] as string;
      let text = this.#next();
      if (mark.chomp) text = text.replace(/^\t+/, '');
      if (text === mark.name) return { ...mark, content: parts.join(''), line: first };
      parts.push(raw);
    }
    const at = line.text.indexOf('<<');
    throw dockerfileError(
      'unterminated heredoc',
      locationIn(line, { start: at, end: line.text.length }),
      `End it with a line that holds only ${mark.name}; quote << where no heredoc is meant.`,
    );
  }

  /** The next physical line without its end. */
  #next(): string {
    const raw = this.#raw[this.#read] as string;
    this.#read++;
    return withoutLineEnd(raw);
  }
}

/** What the bytes of a file say, a byte order mark included. */
export function dockerfileText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

/**
 * Parses a Dockerfile into nodes that know their places; `interpret` gives them meaning. Lexical rules of BuildKit's
 * frontend/dockerfile/parser. Throws only HawserErrors DOCKERFILE_INVALID with a location.
 */
export function parseDockerfile(text: string | Uint8Array, options: { readonly file: string }): Dockerfile {
  const whole = typeof text === 'string' ? text : dockerfileText(text);
  const raw = splitLines(whole.startsWith('\ufeff') ? whole.slice(1) : whole);
  const source = { file: options.file, lines: raw.map(withoutLineEnd) };
  for (const [index, line] of source.lines.entries()) {
    if (line.length * 3 <= maximumLine || Buffer.byteLength(line) <= maximumLine) continue;
    const location = { file: options.file, line: index + 1, column: 1, excerpt: [`${line.slice(0, 80)}…`] };
    const message = `dockerfile line greater than max allowed size of ${maximumLine}`;
    throw dockerfileError(message, location, 'Continue it on further lines.');
  }
  return new Reader(source, raw).parse();
}

function splitLines(text: string): string[] {
  const lines: string[] = [];
  let start = 0;
  while (start < text.length) {
    const end = text.indexOf('\n', start);
    const next = end < 0 ? text.length : end + 1;
    lines.push(text.slice(start, next));
    start = next;
  }
  return lines;
}

function withoutLineEnd(line: string): string {
  let end = line.length;
  while (end > 0 && (line[end - 1] === '\n' || line[end - 1] === '\r')) end--;
  return line.slice(0, end);
}

/** Where the escape token stands that makes the next line a part of this one. Two of them are none. */
function continuationAt(line: string, escape: EscapeToken): number | undefined {
  let end = line.length;
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) end--;
  if (end === 0 || line[end - 1] !== escape) return undefined;
  return line[end - 2] === escape ? undefined : end - 1;
}

/** RUN, COPY and ADD, also behind ONBUILD, but not in JSON form. */
function takesHeredocs(node: DockerfileNode): boolean {
  const inner = node.keyword.text.toLowerCase() === 'onbuild' ? (node.trigger ?? node) : node;
  return ['run', 'copy', 'add'].includes(inner.keyword.text.toLowerCase()) && !inner.json;
}

function withHeredocs(node: DockerfileNode, line: LogicalLine, heredocs: readonly Heredoc[]): DockerfileNode {
  if (heredocs.length === 0) return node;
  const trigger = node.trigger === undefined ? {} : { trigger: { ...node.trigger, line, heredocs } };
  return { ...node, ...trigger, line, heredocs };
}
