import type { Finding } from '../builder/dockerfile/lint/finding.ts';
import type { BuildObserver, BuildProgress, BuildVertex } from '../builder/observer.ts';
import type { SourceLocation } from '../errors/hawser-error.ts';
import { elapsed } from '../util/elapsed.ts';
import { plainText } from '../util/terminal-text.ts';
import { cellWidth, cutToCells } from './cell-width.ts';
import { shortWarnings } from './check-output.ts';
import { humanSeconds } from './human.ts';
import { OutputCutter } from './line-cutter.ts';
import { LiveLines } from './live-lines.ts';
import { progressText } from './progress-bar.ts';
import { mayColour, paint } from './terminal.ts';

interface LiveVertex {
  readonly name: string;
  start: number;
  readonly output: OutputCutter;
  /** The last lines of output, shown below while it runs. */
  readonly tail: string[];
  readonly progress: Map<string, BuildProgress>;
  /** What it waits for, before it begins. */
  waits?: string;
  end?: number;
  state: 'running' | 'cached' | 'done' | 'failed';
}

const tailLines = 6;
/** Of a line of output: more than any terminal is wide. */
const readCharacters = 4096;

const looks = {
  running: { mark: '=>', colour: 'bold' },
  cached: { mark: '=> CACHED', colour: 'dim' },
  done: { mark: '=>', colour: 'blue' },
  failed: { mark: '=> ERROR', colour: 'red' },
} as const;

/**
 * A view in place on a terminal: a line a step. Those that run are on top, each with the end of its output and its
 * transfers below; those that have ended follow, the last one first, as far as there is room.
 */
export class LiveBuildProgress implements BuildObserver {
  readonly #vertices = new Map<string, LiveVertex>();
  readonly #stream: NodeJS.WriteStream;
  readonly #start = elapsed();
  readonly #live: LiveLines;
  readonly #colour: boolean;
  #total = 0;
  #ended = 0;
  #stopped = false;
  #findings: readonly Finding[] = [];

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
    this.#colour = mayColour(stream);
    this.#live = new LiveLines(stream, rows => this.#lines(rows));
  }

  planned(vertices: readonly BuildVertex[]): void {
    const known = [...this.#vertices.keys()].filter(id => !vertices.some(vertex => vertex.id === id));
    this.#total = known.length + vertices.length + 1; // and its export
  }

  #vertex({ id, name }: BuildVertex): LiveVertex {
    let found = this.#vertices.get(id);
    if (found === undefined) {
      const [start, output] = [elapsed(), new OutputCutter()];
      found = { name, start, output, tail: [], progress: new Map(), state: 'running' };
      this.#vertices.set(id, found);
    }
    return found;
  }

  get #width(): number {
    return (this.#stream.columns || 80) - 1;
  }

  #stepLine(vertex: LiveVertex): string {
    const { mark, colour } = looks[vertex.state];
    const ran = (vertex.end ?? elapsed()) - vertex.start;
    const time = vertex.state === 'cached' ? '' : humanSeconds(ran);
    const room = Math.max(10, this.#width - time.length - 1);
    const label = cutToCells(` ${mark} ${vertex.name}`, room);
    const blanks = ' '.repeat(Math.max(0, room - cellWidth(label)));
    return paint(colour, time === '' ? label : `${label}${blanks} ${time}`, this.#colour);
  }

  /** @param tail How many lines of output. */
  #below(vertex: LiveVertex, tail: number): string[] {
    const transfers = [...vertex.progress.values()].map(({ what, done, total }) => {
      const text = progressText(done, total, this.#width - 8 - cellWidth(what));
      return ` => => ${cutToCells(what, Math.max(8, this.#width - 8 - cellWidth(text)))} ${text}`;
    });
    if (vertex.waits !== undefined) transfers.unshift(cutToCells(` => => ${vertex.waits}`, this.#width));
    const { partial } = vertex.output;
    const said = partial === '' ? vertex.tail : [...vertex.tail, partial];
    const lines = tail === 0 ? [] : said.slice(-tail);
    return [
      ...transfers,
      ...lines.map(line =>
        paint(
          'dim',
          cutToCells(` => => # ${plainText(line.slice(0, readCharacters))}`, this.#width),
          this.#colour,
        ),
      ),
    ];
  }

  #head(): string {
    const total = Math.max(this.#total, this.#vertices.size);
    const isOver = this.#stopped && this.#ended === this.#vertices.size;
    const time = humanSeconds(elapsed() - this.#start);
    return `[+] Building ${time} (${this.#ended}/${total})${isOver ? ' FINISHED' : ''}`;
  }

  #lines(rows: number): string[] {
    const all = [...this.#vertices.values()];
    if (rows === Number.POSITIVE_INFINITY)
      return [this.#head(), ...all.map(vertex => this.#stepLine(vertex))];
    const running = all.filter(({ state }) => state === 'running');
    // Each step that runs has its line; the room that is left is theirs in equal parts.
    const spare = Math.max(0, rows - 1 - running.length);
    const tail = Math.min(tailLines, Math.floor(spare / Math.max(1, running.length)));
    const top = running.flatMap(vertex => [this.#stepLine(vertex), ...this.#below(vertex, tail)]);
    const over = all
      .filter(({ state }) => state !== 'running')
      .sort((left, right) => (right.end ?? 0) - (left.end ?? 0))
      .slice(0, Math.max(0, rows - 1 - top.length));
    return [this.#head(), ...top, ...over.map(vertex => this.#stepLine(vertex))];
  }

  #end(vertex: BuildVertex, state: 'cached' | 'done' | 'failed'): void {
    const found = this.#vertex(vertex);
    found.end = elapsed();
    found.state = state;
    found.tail.length = 0;
    this.#ended++;
  }

  vertexWaits(vertex: BuildVertex, what: string): void {
    this.#vertex(vertex).waits = what;
  }

  vertexStarted(vertex: BuildVertex): void {
    const started = this.#vertex(vertex);
    started.start = elapsed();
    delete started.waits;
  }

  vertexOutput(vertex: BuildVertex, stream: 'stdout' | 'stderr', chunk: Uint8Array): void {
    const { tail, output } = this.#vertex(vertex);
    tail.push(...output.lines(stream, chunk).slice(-tailLines));
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

  /** Leaves the terminal to a shell until the end of `work`. */
  async away<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#live.pause();
    try {
      return await work();
    } finally {
      this.#live.resume();
    }
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#live.stop();
    const lines = shortWarnings(this.#findings).map(line => paint('cyan', line, this.#colour));
    if (lines.length > 0) this.#stream.write(`${lines.join('\n')}\n`);
  }
}
