import type { SourceLocation } from '../errors/hawser-error.ts';
import type { Finding } from './dockerfile/lint/finding.ts';

export interface BuildVertex {
  /** Unique in a build. */
  readonly id: string;
  /** E.g. `[build 2/5] RUN make`, or `exporting to image`. */
  readonly name: string;
  readonly location?: SourceLocation | undefined;
  /** Ids of those whose results it takes. */
  readonly inputs?: readonly string[] | undefined;
}

/** What a build tells while it goes on; a progress view draws it. Each vertex ends with exactly one of the last three. */
export interface BuildObserver {
  /** How many steps there are, once that is known. */
  planned?(vertices: readonly BuildVertex[]): void;
  /** Before any other, where it cannot begin for something outside of this build. */
  vertexWaits?(vertex: BuildVertex, what: string): void;
  vertexStarted(vertex: BuildVertex): void;
  vertexOutput(vertex: BuildVertex, stream: 'stdout' | 'stderr', chunk: Uint8Array): void;
  /** A transfer or a long piece of work inside a vertex; `total` is undefined where nobody knows it. */
  vertexProgress?(vertex: BuildVertex, progress: BuildProgress): void;
  /** Without `vertexStarted` before. */
  vertexCached(vertex: BuildVertex): void;
  vertexDone(vertex: BuildVertex): void;
  vertexFailed(vertex: BuildVertex, error: unknown): void;
  /** What the checks found, once, before the first step; a view tells it at the end. */
  checked?(findings: readonly Finding[]): void;
  /** Something that the user should know and that stops nothing. */
  warning?(message: string, location?: SourceLocation): void;
}

export interface BuildProgress {
  readonly what: string;
  /** Bytes. */
  readonly done: number;
  readonly total?: number;
}

export const silentObserver: BuildObserver = {
  vertexStarted: () => undefined,
  vertexOutput: () => undefined,
  vertexCached: () => undefined,
  vertexDone: () => undefined,
  vertexFailed: () => undefined,
};

/** Tells each of them all. */
export function joinObservers(observers: readonly BuildObserver[]): BuildObserver {
  const all = (tell: (observer: BuildObserver) => void) => {
    for (const observer of observers) tell(observer);
  };
  return {
    planned: vertices => all(one => one.planned?.(vertices)),
    vertexWaits: (vertex, what) => all(one => one.vertexWaits?.(vertex, what)),
    vertexStarted: vertex => all(one => one.vertexStarted(vertex)),
    vertexOutput: (vertex, stream, chunk) => all(one => one.vertexOutput(vertex, stream, chunk)),
    vertexProgress: (vertex, progress) => all(one => one.vertexProgress?.(vertex, progress)),
    vertexCached: vertex => all(one => one.vertexCached(vertex)),
    vertexDone: vertex => all(one => one.vertexDone(vertex)),
    vertexFailed: (vertex, error) => all(one => one.vertexFailed(vertex, error)),
    checked: findings => all(one => one.checked?.(findings)),
    warning: (message, location) => all(one => one.warning?.(message, location)),
  };
}
