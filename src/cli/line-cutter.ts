import { StringDecoder } from 'node:string_decoder';

/** Cuts a stream of bytes into lines; a line without its end waits for `rest`. */
export class LineCutter {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  lines(chunk: Uint8Array): string[] {
    const parts = (this.#rest + this.#decoder.write(Buffer.from(chunk))).split(/\r?\n/);
    this.#rest = parts.pop() ?? '';
    return parts;
  }

  /** What stands there of the line that has no end yet, e.g. a program's own progress bar. */
  get partial(): string {
    return this.#rest;
  }

  rest(): string[] {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = '';
    return rest === '' ? [] : [rest];
  }
}
