import type { Finding } from '../builder/dockerfile/lint/finding.ts';
import type { BuildObserver, BuildProgress, BuildVertex } from '../builder/observer.ts';
import type { SourceLocation } from '../errors/hawser-error.ts';
import { LineCutter } from './build-progress-plain.ts';
import { shortWarnings } from './check-output.ts';
import { humanSeconds, humanSize } from './human.ts';
import { LiveLines } from './live-lines.ts';
import { mayColour, paint } from './terminal.ts';

interface LiveVertex {
  readonly name: string;
  readonly start: number;
  readonly output: LineCutter;
  /** The last lines of output, shown below while it runs. */
  readonly tail: string[];
  readonly progress: Map<string, BuildProgress>;
  end?: number;
  state: 'running' | 'cached' | 'done' | 'failed';
}

const tailLines = 6;

/** A view in place on a terminal: a line a step, and below a running one the end of its output and its transfers. */
export class LiveBuildProgress implements BuildObserver {
  readonly #vertices = new Map<string, LiveVertex>();
  readonly #stream: NodeJS.WriteStream;
  readonly #start = performance.now();
  readonly #live: LiveLines;
  readonly #colour: boolean;
  #total = 0;
  #stopped = false;
  #findings: readonly Finding[] = [];

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
    this.#colour = mayColour(stream);
    this.#live = new LiveLines(stream, () => this.#lines());
  }

  planned(vertices: readonly BuildVertex[]): void {
    this.#total = vertices.length;
  }

  #vertex({ id, name }: BuildVertex): LiveVertex {
    let found = this.#vertices.get(id);
    if (found === undefined) {
      found = {
        name,
        start: performance.now(),
        output: new LineCutter(),
        tail: [],
        progress: new Map(),
        state: 'running',
      };
      this.#vertices.set(id, found);
    }
    return found;
  }

  #vertexLines(vertex: LiveVertex): string[] {
    const width = (this.#stream.columns || 80) - 1;
    const time =
      vertex.state === 'cached' ? '' : humanSeconds((vertex.end ?? performance.now()) - vertex.start);
    const label = `${{ running: '=>', cached: '=> CACHED', done: '=>', failed: '=> ERROR' }[vertex.state]} ${vertex.name}`;
    const room = Math.max(10, width - time.length - 1);
    const cut = label.length > room ? `${label.slice(0, room - 1)}…` : label.padEnd(room);
    const colour = { running: 'bold', cached: 'dim', done: 'blue', failed: 'red' } as const;
    const lines = [paint(colour[vertex.state], `${cut} ${time}`, this.#colour)];
    if (vertex.state !== 'running') return lines;
    for (const { what, done, total } of vertex.progress.values()) {
      lines.push(` => => ${what} ${humanSize(done)}${total === undefined ? '' : ` / ${humanSize(total)}`}`);
    }
    return [...lines, ...vertex.tail.map(line => paint('dim', ` => => # ${line}`, this.#colour))];
  }

  #lines(): string[] {
    const ended = [...this.#vertices.values()].filter(({ state }) => state !== 'running').length;
    const total = Math.max(this.#total, this.#vertices.size);
    const head = `[+] Building ${humanSeconds(performance.now() - this.#start)} (${ended}/${total})`;
    return [head, ...[...this.#vertices.values()].flatMap(vertex => this.#vertexLines(vertex))];
  }

  #end(vertex: BuildVertex, state: 'cached' | 'done' | 'failed'): void {
    const found = this.#vertex(vertex);
    found.end = performance.now();
    found.state = state;
  }

  vertexStarted(vertex: BuildVertex): void {
    this.#vertex(vertex);
  }

  vertexOutput(vertex: BuildVertex, _stream: 'stdout' | 'stderr', chunk: Uint8Array): void {
    const { tail, output } = this.#vertex(vertex);
    tail.push(...output.lines(chunk).slice(-tailLines));
    tail.splice(0, Math.max(0, tail.length - tailLines));
  }

  vertexProgress(vertex: BuildVertex, progress: BuildProgress): void {
    this.#vertex(vertex).progress.set(progress.what, progress);
  }

  vertexCached(vertex: BuildVertex): void {
    this.#end(vertex, 'cached');
  }

  vertexDone(vertex: BuildVertex): void {
    this.#end(vertex, 'done');
  }

  vertexFailed(vertex: BuildVertex): void {
    this.#end(vertex, 'failed');
  }

  warning(message: string, location?: SourceLocation): void {
    const place = location === undefined ? '' : `${location.file}:${location.line}: `;
    this.#live.above([paint('cyan', `warning: ${place}${message}`, this.#colour)]);
  }

  checked(findings: readonly Finding[]): void {
    this.#findings = findings;
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#live.stop();
    const lines = shortWarnings(this.#findings).map(line => paint('cyan', line, this.#colour));
    if (lines.length > 0) this.#stream.write(`${lines.join('\n')}\n`);
  }
}
