import { StringDecoder } from 'node:string_decoder';

/** A line of more characters is cut: what a program writes without any end must not pile up. */
const maxLine = 1 << 20;

/** What a terminal leaves of a line whose parts were written over each other: the last. */
function lastWritten(line: string): string {
  if (!line.includes('\r')) return line;
  const text = line.replace(/\r+$/, '');
  return text.slice(text.lastIndexOf('\r') + 1);
}

/**
 * Cuts a stream of bytes into lines; a line without its end waits for `rest`. Of a line that a program wrote anew again
 * and again, as progress bars are, the last is taken.
 */
class LineCutter {
  readonly #decoder = new StringDecoder('utf8');
  #rest: string[] = [];
  #length = 0;
  /** The cursor is back at the line's begin: what comes next takes the place of what is there. */
  #returned = false;

  #add(text: string): void {
    if (text === '') return;
    const body = text.replace(/\r+$/, '');
    if (body === '') {
      this.#returned = true;
      return;
    }
    if (this.#returned || body.includes('\r')) this.#take();
    this.#returned = body.length < text.length;
    const kept = lastWritten(body);
    this.#rest.push(kept);
    this.#length += kept.length;
  }

  #take(): string {
    const line = this.#rest.join('');
    this.#rest = [];
    this.#length = 0;
    this.#returned = false;
    return line;
  }

  lines(chunk: Uint8Array): string[] {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const parts = this.#decoder.write(bytes).split('\n');
    const rest = parts.pop() ?? '';
    const lines = parts.map((part, index) => {
      if (index > 0) return lastWritten(part);
      this.#add(part);
      return this.#take();
    });
    this.#add(rest);
    if (this.#length > maxLine) lines.push(this.#take());
    return lines;
  }

  /** What stands there of the line that has no end yet, e.g. a program's own progress bar. */
  get partial(): string {
    return this.#rest.join('');
  }

  rest(): string[] {
    this.#add(this.#decoder.end());
    const rest = this.#take();
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
