import { createHash } from 'node:crypto';
import type { Finding } from '../builder/dockerfile/lint/finding.ts';
import type { LintRule } from '../builder/dockerfile/lint/rule.ts';
import type { BuildObserver, BuildProgress, BuildVertex } from '../builder/observer.ts';
import { messageOf, type SourceLocation } from '../errors/hawser-error.ts';

interface RawVertex {
  readonly digest: string;
  readonly name: string;
  readonly inputs?: readonly string[];
  started?: string;
  completed?: string;
  cached?: boolean;
  error?: string;
}

/** A vertex goes by the digest of its id: it tells vertices of one build apart, and nothing more. */
function digestOf(id: string): string {
  return `sha256:${createHash('sha256').update(id).digest('hex')}`;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** A JSON object a line, of the shape of BuildKit's SolveStatus (client/graph.go), for programs that read its `rawjson`. */
export class RawJsonProgress implements BuildObserver {
  readonly #write: (line: string) => void;
  readonly #vertices = new Map<string, RawVertex>();
  readonly #waits = new Map<
    string,
    { readonly id: string; readonly vertex: string; readonly started: string }
  >();
  readonly #transfers = new Map<string, string>();

  readonly #clock: () => Date;

  constructor(write: (line: string) => void, clock = () => new Date()) {
    this.#write = write;
    this.#clock = clock;
  }

  #now(): string {
    return this.#clock().toISOString();
  }

  #say(status: object): void {
    this.#write(JSON.stringify(status));
  }

  #vertex({ id, name, inputs = [] }: BuildVertex): RawVertex {
    let found = this.#vertices.get(id);
    if (found === undefined) {
      const digests = inputs.map(digestOf);
      found = { digest: digestOf(id), ...(digests.length === 0 ? {} : { inputs: digests }), name };
      this.#vertices.set(id, found);
    }
    return found;
  }

  #tell(vertex: BuildVertex, change: Partial<RawVertex>): void {
    const raw = Object.assign(this.#vertex(vertex), change);
    this.#say({ vertexes: [raw] });
  }

  planned(vertices: readonly BuildVertex[]): void {
    if (vertices.length > 0) this.#say({ vertexes: vertices.map(vertex => this.#vertex(vertex)) });
  }

  /** Shown by BuildKit's views for a vertex that has started. */
  vertexWaits(vertex: BuildVertex, what: string): void {
    const started = this.#now();
    this.#tell(vertex, { started });
    const { digest } = this.#vertex(vertex);
    this.#waits.set(digest, { id: what, vertex: digest, started });
    this.#tellWait(digest, started);
  }

  #tellWait(digest: string, timestamp: string, end: { readonly completed?: string } = {}): void {
    const wait = this.#waits.get(digest);
    if (wait !== undefined) this.#say({ statuses: [{ ...wait, current: 0, timestamp, ...end }] });
  }

  #begin(vertex: BuildVertex): string {
    const raw = this.#vertex(vertex);
    const time = this.#now();
    this.#tellWait(raw.digest, time, { completed: time });
    this.#waits.delete(raw.digest);
    return time;
  }

  vertexStarted(vertex: BuildVertex): void {
    this.#tell(vertex, { started: this.#begin(vertex) });
  }

  vertexOutput(vertex: BuildVertex, stream: 'stdout' | 'stderr', chunk: Uint8Array): void {
    const data = Buffer.from(chunk).toString('base64');
    const log = {
      vertex: this.#vertex(vertex).digest,
      stream: stream === 'stdout' ? 1 : 2,
      data,
      timestamp: this.#now(),
    };
    this.#say({ logs: [log] });
  }

  vertexProgress(vertex: BuildVertex, { what, done, total }: BuildProgress): void {
    const raw = this.#vertex(vertex);
    const key = `${raw.digest} ${what}`;
    const timestamp = this.#now();
    const started = this.#transfers.get(key) ?? timestamp;
    this.#transfers.set(key, started);
    const end = done === total ? { completed: timestamp } : {};
    const sizes = total === undefined ? { current: done } : { total, current: done };
    this.#say({ statuses: [{ id: what, vertex: raw.digest, ...sizes, timestamp, started, ...end }] });
  }

  vertexCached(vertex: BuildVertex): void {
    const time = this.#begin(vertex);
    this.#tell(vertex, { started: time, completed: time, cached: true });
  }

  vertexDone(vertex: BuildVertex): void {
    this.#tell(vertex, { completed: this.#now() });
  }

  vertexFailed(vertex: BuildVertex, error: unknown): void {
    this.#tell(vertex, { completed: this.#now(), error: messageOf(error) });
  }

  checked(findings: readonly Finding[]): void {
    for (const { rule, message, lines, location } of findings) {
      this.#warn(`${rule.name}: ${message} (line ${lines.start})`, {
        location: { file: location.file, line: lines.start, endLine: lines.end },
        rule,
      });
    }
  }

  warning(message: string, location?: SourceLocation): void {
    this.#warn(message, { location });
  }

  #warn(short: string, { location, rule }: { location?: SourceLocation | undefined; rule?: LintRule }): void {
    const place =
      location === undefined
        ? {}
        : {
            sourceInfo: { filename: location.file, language: 'Dockerfile' },
            range: [{ start: { line: location.line }, end: { line: location.endLine ?? location.line } }],
          };
    const about = rule === undefined ? {} : { detail: [base64(rule.description)], url: rule.url };
    const vertex = this.#definition();
    this.#say({ warnings: [{ vertex, level: 1, short: base64(short), ...about, ...place }] });
  }

  /** BuildKit's views pass over a warning of no vertex: theirs are of the one that has read the Dockerfile. */
  #definition(): string {
    const vertex = { id: 'definition', name: '[internal] load build definition' };
    const time = this.#now();
    if (!this.#vertices.has(vertex.id)) this.#tell(vertex, { started: time, completed: time });
    return this.#vertex(vertex).digest;
  }
}
