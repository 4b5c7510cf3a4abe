import { createHash } from 'node:crypto';
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

/** A JSON object a line, of the shape of BuildKit's SolveStatus (client/graph.go), for programs that read its `rawjson`. */
export class RawJsonProgress implements BuildObserver {
  readonly #write: (line: string) => void;
  readonly #vertices = new Map<string, RawVertex>();
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

  vertexStarted(vertex: BuildVertex): void {
    this.#tell(vertex, { started: this.#now() });
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
    const time = this.#now();
    this.#tell(vertex, { started: time, completed: time, cached: true });
  }

  vertexDone(vertex: BuildVertex): void {
    this.#tell(vertex, { completed: this.#now() });
  }

  vertexFailed(vertex: BuildVertex, error: unknown): void {
    this.#tell(vertex, { completed: this.#now(), error: messageOf(error) });
  }

  warning(message: string, location?: SourceLocation): void {
    const place =
      location === undefined
        ? {}
        : { range: [{ start: { line: location.line }, end: { line: location.endLine ?? location.line } }] };
    this.#say({ warnings: [{ level: 1, short: Buffer.from(message).toString('base64'), ...place }] });
  }
}
