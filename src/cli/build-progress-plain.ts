import { StringDecoder } from 'node:string_decoder';
import type { Finding } from '../builder/dockerfile/lint/finding.ts';
import type { BuildObserver, BuildVertex } from '../builder/observer.ts';
import type { SourceLocation } from '../errors/hawser-error.ts';
import { shortWarnings } from './check-output.ts';
import { humanSeconds } from './human.ts';

/** Cuts a stream of bytes into lines; a line without its end waits for `rest`. */
export class LineCutter {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  lines(chunk: Uint8Array): string[] {
    const parts = (this.#rest + this.#decoder.write(Buffer.from(chunk))).split(/\r?\n/);
    this.#rest = parts.pop() ?? '';
    return parts;
  }

  rest(): string[] {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = '';
    return rest === '' ? [] : [rest];
  }
}

interface RunningVertex {
  readonly number: number;
  readonly start: number;
  readonly output: LineCutter;
}

/** One line after the other, for logs: `#3 [2/4] RUN make`, `#3 1.204 output`, `#3 DONE 1.3s`, as BuildKit's plain view. */
export class PlainBuildProgress implements BuildObserver {
  readonly #write: (line: string) => void;
  readonly #vertices = new Map<string, RunningVertex>();
  #last = 0;
  #findings: readonly Finding[] = [];

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  #vertex(vertex: BuildVertex): RunningVertex {
    let found = this.#vertices.get(vertex.id);
    if (found === undefined) {
      found = { number: this.#vertices.size + 1, start: performance.now(), output: new LineCutter() };
      this.#vertices.set(vertex.id, found);
      this.#line(found, vertex.name);
    }
    return found;
  }

  #line(vertex: RunningVertex, text: string): void {
    if (this.#last !== 0 && this.#last !== vertex.number) this.#write('');
    this.#last = vertex.number;
    this.#write(`#${vertex.number} ${text}`);
  }

  #outputLines(vertex: RunningVertex, lines: readonly string[]): void {
    const time = ((performance.now() - vertex.start) / 1000).toFixed(3);
    for (const line of lines) this.#line(vertex, `${time} ${line}`);
  }

  vertexStarted(vertex: BuildVertex): void {
    this.#vertex(vertex);
  }

  vertexOutput(vertex: BuildVertex, _stream: 'stdout' | 'stderr', chunk: Uint8Array): void {
    const running = this.#vertex(vertex);
    this.#outputLines(running, running.output.lines(chunk));
  }

  vertexCached(vertex: BuildVertex): void {
    this.#line(this.#vertex(vertex), 'CACHED');
  }

  vertexDone(vertex: BuildVertex): void {
    const running = this.#vertex(vertex);
    this.#outputLines(running, running.output.rest());
    this.#line(running, `DONE ${humanSeconds(performance.now() - running.start)}`);
  }

  vertexFailed(vertex: BuildVertex, error: unknown): void {
    const running = this.#vertex(vertex);
    this.#outputLines(running, running.output.rest());
    this.#line(running, `ERROR: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
  }

  checked(findings: readonly Finding[]): void {
    this.#findings = findings;
  }

  /** Tells at the end what the checks found. */
  stop(): void {
    for (const line of shortWarnings(this.#findings)) this.#write(line);
    this.#findings = [];
  }

  warning(message: string, location?: SourceLocation): void {
    this.#write(`warning: ${location === undefined ? '' : `${location.file}:${location.line}: `}${message}`);
  }
}
