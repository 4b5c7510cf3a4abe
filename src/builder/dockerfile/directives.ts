import type { Directive, EscapeToken } from './ast.ts';
import { dockerfileError } from './errors.ts';
import type { DockerfileSource } from './source.ts';
import { locationOfLines } from './source.ts';
import { isSpace, skipSpace, trimSpace } from './space.ts';

/**
 * Reads `# name=value` lines at the top of the file, until the first line that is none: a blank line, a comment, an
 * unknown name, an instruction. Throws DOCKERFILE_INVALID for a repeated one and a wrong escape token.
 */
export class DirectiveReader {
  readonly #source: DockerfileSource;
  readonly #found: Directive[] = [];
  #done = false;
  #escape: EscapeToken = '\\';

  constructor(source: DockerfileSource) {
    this.#source = source;
  }

  get escape(): EscapeToken {
    return this.#escape;
  }

  get directives(): readonly Directive[] {
    return this.#found;
  }

  /** Whether `text`, line `line` of the file without blanks before it, is a directive. */
  read(text: string, line: number): boolean {
    if (this.#done) return false;
    // a shebang is for the shell; directives may follow it
    if (line === 1 && text.startsWith('#!')) return false;
    const assignment = readAssignment(text);
    const name = assignment?.name.toLowerCase();
    if (assignment === undefined || !isDirectiveName(name)) {
      this.#done = true;
      return false;
    }
    if (this.#found.some(directive => directive.name === name)) {
      throw this.#error(`only one ${name} parser directive can be used`, line, 'Remove one of them.');
    }
    this.#found.push({ name, value: assignment.value, line });
    if (name === 'escape') this.#setEscape(assignment.value, line);
    return true;
  }

  #setEscape(value: string, line: number): void {
    if (value !== '\\' && value !== '`') {
      const message = `invalid escape token '${value}' does not match \` or \\`;
      throw this.#error(message, line, 'Write # escape=` or leave the line out.');
    }
    this.#escape = value;
  }

  #error(message: string, line: number, remedy: string): Error {
    return dockerfileError(message, locationOfLines(this.#source, line), remedy);
  }
}

export function isDirectiveName(name: string | undefined): name is Directive['name'] {
  return name === 'syntax' || name === 'escape' || name === 'check';
}

/** `# name = value`; also what a `# check=` comment above an instruction is read with. */
export function readAssignment(
  text: string,
  mark = '#',
): { readonly name: string; readonly value: string } | undefined {
  if (!text.startsWith(mark)) return undefined;
  const start = skipSpace(text, mark.length);
  let index = start;
  while (index < text.length && text[index] !== '=' && !isSpace(text.charCodeAt(index))) index++;
  const name = text.slice(start, index);
  index = skipSpace(text, index);
  if (text[index] !== '=' || !/^[a-z][a-z0-9]*$/i.test(name)) return undefined;
  const value = trimSpace(text.slice(index + 1));
  return value === '' ? undefined : { name, value };
}
