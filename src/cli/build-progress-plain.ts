import type { Finding } from '../builder/dockerfile/lint/finding.ts';
import type { BuildObserver, BuildProgress, BuildVertex } from '../builder/observer.ts';
import { messageOf, type SourceLocation } from '../errors/hawser-error.ts';
import { elapsed } from '../util/elapsed.ts';
import { logText } from '../util/terminal-text.ts';
import { shortWarnings } from './check-output.ts';
import { humanSeconds, humanSize } from './human.ts';
import { OutputCutter } from './line-cutter.ts';

interface PlainVertex {
  readonly number: number;
  readonly name: string;
  start: number;
  readonly output: OutputCutter;
  /** Lines that wait for their turn. */
  readonly waiting: string[];
  /** Since when they do. */
  since: number;
  state: 'new' | 'shown' | 'ended';
}

/** A step keeps the log to itself for so many milliseconds while others have something to say. */
const turn = 2000;
/** Lines. */
const maxWaiting = 10_000;

/**
 * One line after the other, for logs: `#3 [2/4] RUN make`, `#3 1.204 output`, `#3 DONE 1.3s`, as BuildKit's plain view.
 * Steps that run side by side take turns, so that their lines stay together; `#3 ...` says that a step goes on.
 */
export class PlainBuildProgress implements BuildObserver {
  readonly #write: (lines: string) => void;
  readonly #vertices = new Map<string, PlainVertex>();
  /** Whose turn it is, and since when. */
  #current: PlainVertex | undefined;
  #since = 0;
  #timer: NodeJS.Timeout | undefined;
  #findings: readonly Finding[] = [];
  readonly #now: () => number;
  readonly #colour: boolean;

  /** @param write takes a line or several, without the last one's end */
  constructor(write: (lines: string) => void, { now = elapsed, colour = true } = {}) {
    this.#write = write;
    this.#now = now;
    this.#colour = colour;
  }

  #vertex(vertex: BuildVertex): PlainVertex {
    let found = this.#vertices.get(vertex.id);
    if (found === undefined) {
      const number = this.#vertices.size + 1;
      const [name, start] = [vertex.name, this.#now()];
      found = { number, name, start, output: new OutputCutter(), waiting: [], since: 0, state: 'new' };
      this.#vertices.set(vertex.id, found);
    }
    return found;
  }

  #say(vertex: PlainVertex, lines: readonly string[]): void {
    if (lines.length === 0) return;
    if (vertex.waiting.length === 0) vertex.since = this.#now();
    for (const line of lines) vertex.waiting.push(line);
    if (vertex === this.#current) this.#flush(vertex);
    else if (this.#current === undefined || this.#isLong(vertex)) this.#giveTurn();
    else this.#timer ??= setTimeout(() => this.#giveTurn(), turn).unref();
  }

  /** Whether it has waited its time, or has too much to say to be kept. */
  #isLong({ waiting }: PlainVertex): boolean {
    return this.#now() - this.#since > turn || waiting.length > maxWaiting;
  }

  /** To the one that has waited longest. */
  #giveTurn(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const [next] = this.#others().sort((left, right) => left.since - right.since);
    if (next === undefined) return;
    if (this.#current !== undefined) this.#write(`#${this.#current.number} ...`);
    this.#begin(next);
  }

  #begin(vertex: PlainVertex): void {
    if (this.#since > 0) this.#write('');
    this.#write(`#${vertex.number} ${vertex.name}`);
    this.#current = vertex;
    this.#since = Math.max(this.#now(), Number.MIN_VALUE);
    this.#flush(vertex);
    if (this.#others().length > 0) this.#timer ??= setTimeout(() => this.#giveTurn(), turn).unref();
  }

  #others(): PlainVertex[] {
    return [...this.#vertices.values()].filter(
      vertex => vertex !== this.#current && vertex.waiting.length > 0,
    );
  }

  #flush(vertex: PlainVertex): void {
    const lines = vertex.waiting.splice(0);
    if (lines.length > 0) this.#write(lines.map(line => `#${vertex.number} ${line}`).join('\n'));
    if (vertex.state !== 'ended') {
      vertex.state = 'shown';
      return;
    }
    this.#current = undefined;
    // Those that have ended go first: nothing more comes of them.
    const others = this.#others();
    const next = others.find(({ state }) => state === 'ended') ?? others[0];
    if (next !== undefined) this.#begin(next);
  }

  #timed(vertex: PlainVertex, lines: readonly string[]): string[] {
    const time = ((this.#now() - vertex.start) / 1000).toFixed(3);
    return lines.map(line => (line === '' ? time : `${time} ${logText(line, this.#colour)}`));
  }

  #end(vertex: BuildVertex, word: (running: PlainVertex) => string): void {
    const running = this.#vertex(vertex);
    const rest = this.#timed(running, running.output.rest());
    running.state = 'ended';
    this.#say(running, [...rest, word(running)]);
  }

  vertexWaits(vertex: BuildVertex, what: string): void {
    this.#say(this.#vertex(vertex), [what]);
  }

  vertexStarted(vertex: BuildVertex): void {
    const started = this.#vertex(vertex);
    started.start = this.#now();
    if (this.#current === undefined) this.#begin(started);
  }

  vertexOutput(vertex: BuildVertex, stream: 'stdout' | 'stderr', chunk: Uint8Array): void {
    const running = this.#vertex(vertex);
    this.#say(running, this.#timed(running, running.output.lines(stream, chunk)));
  }

  /** A log tells of a transfer when it is over. */
  vertexProgress(vertex: BuildVertex, { what, done, total }: BuildProgress): void {
    if (done === total) this.#say(this.#vertex(vertex), [`${what} ${humanSize(done)} done`]);
  }

  vertexCached(vertex: BuildVertex): void {
    this.#end(vertex, () => 'CACHED');
  }

  vertexDone(vertex: BuildVertex): void {
    this.#end(vertex, ({ start }) => `DONE ${humanSeconds(this.#now() - start)}`);
  }

  vertexFailed(vertex: BuildVertex, error: unknown): void {
    const [message = ''] = messageOf(error).split('\n');
    this.#end(vertex, () => `ERROR: ${message.replace(/:$/, '')}`);
  }

  checked(findings: readonly Finding[]): void {
    this.#findings = findings;
  }

  /** Tells what still waits, and at the end what the checks found. */
  stop(): void {
    clearTimeout(this.#timer);
    for (const vertex of this.#others()) this.#begin(vertex);
    for (const line of shortWarnings(this.#findings)) this.#write(line);
    this.#findings = [];
  }

  warning(message: string, location?: SourceLocation): void {
    this.#write(`warning: ${location === undefined ? '' : `${location.file}:${location.line}: `}${message}`);
  }
}
