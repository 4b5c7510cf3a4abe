import { plainText } from '../../util/terminal-text.ts';

const MAX_LINE_LENGTH = 2000;

/** Remembers the last lines of what a program says, for the message when it fails. */
export class OutputTail {
  readonly #limit: number;
  readonly #lines: string[] = [];
  #partial = '';
  readonly #decoder = new TextDecoder();

  constructor(limit: number) {
    this.#limit = limit;
  }

  write(chunk: Uint8Array): void {
    const parts = (this.#partial + this.#decoder.decode(chunk, { stream: true })).split('\n');
    this.#partial = (parts.pop() ?? '').slice(-MAX_LINE_LENGTH);
    for (const line of parts.slice(-this.#limit)) this.#lines.push(line.slice(0, MAX_LINE_LENGTH));
    if (this.#lines.length > this.#limit) this.#lines.splice(0, this.#lines.length - this.#limit);
  }

  lines(): readonly string[] {
    const lines = this.#partial === '' ? this.#lines : [...this.#lines, this.#partial];
    // They stand in a message: what a program would do to the terminal, and lines that it wrote anew, have no place there.
    return lines.slice(-this.#limit).map(line => plainText(line).trimEnd());
  }
}
