import { StringDecoder } from 'node:string_decoder';

/** Cuts a stream of bytes into lines; a line without its end waits for `rest`. */
class LineCutter {
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

/** Each of a program's two streams has lines of its own. */
export class OutputCutter {
  readonly #streams = { stdout: new LineCutter(), stderr: new LineCutter() };

  lines(stream: 'stdout' | 'stderr', chunk: Uint8Array): string[] {
    return this.#streams[stream].lines(chunk);
  }

  get partial(): string {
    return this.#streams.stdout.partial || this.#streams.stderr.partial;
  }

  rest(): string[] {
    return [...this.#streams.stdout.rest(), ...this.#streams.stderr.rest()];
  }
}
