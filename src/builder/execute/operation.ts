import type { SourceLocation } from '../../errors/hawser-error.ts';
import type { Digest } from '../../image/digest.ts';
import type { CachedLayer } from '../cache/build-cache.ts';
import type { BuildVertex } from '../observer.ts';
import type { FileState } from './file-state.ts';
import type { Workspace } from './workspace.ts';

/** Where an operation writes what the program inside says. */
type OutputSink = (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;

export interface ExecuteOptions {
  readonly workspace: Workspace;
  readonly output: OutputSink;
  /** Something that the user should know and that stops nothing. */
  readonly warn: (message: string) => void;
  /** No operation of this build reads the files of the result. */
  readonly unread: boolean;
  readonly signal: AbortSignal;
}

/** A layer; `transient` where it is not what the key has named, since its sources changed meanwhile: it is not cached. */
export type Result = CachedLayer & { readonly transient?: boolean };

/**
 * One step of a build: it turns file states into one layer on top of the first of them. The solver knows nothing else of
 * it, and no Dockerfile.
 */
export interface Operation {
  /** Its layer does not depend on the first input, on which it is only put: it need not wait for it. */
  readonly independent?: boolean;
  /** What `cacheKey` reads, e.g. `the build context`. */
  readonly sources?: string;
  /**
   * Names the result by what it depends on, without side effects: the identities of the inputs, the definition, and what
   * it takes from the build context.
   *
   * @param onReading Is told how many bytes were read, where making the name takes so long that `execute` had better begin
   * meanwhile; and then now and again.
   */
  cacheKey(inputs: readonly FileState[], onReading?: (bytes: number) => void): Promise<Digest>;
  /**
   * Asked when nothing is cached under `cacheKey`: a second name, from the very contents that it takes from its inputs,
   * which are unpacked for it. So a copy from a stage that was built again, to the same files, is still found.
   */
  contentKey?(inputs: readonly FileState[], workspace: Workspace): Promise<Digest>;
  execute(inputs: readonly FileState[], options: ExecuteOptions): Promise<Result>;
}

/** A node of the build graph. */
export interface Vertex {
  /** Unique in a build. */
  readonly id: string;
  /** What people see, e.g. `[build 2/5] RUN make`. */
  readonly name: string;
  readonly location?: SourceLocation;
  /** The first is what the operation stands on. */
  readonly inputs: readonly Vertex[];
  /** A base image or nothing at all: a state that is known already. */
  readonly source?: FileState;
  readonly operation?: Operation;
  /** Runs although the cache has it (`--no-cache`). */
  readonly ignoreCache?: boolean;
}

/** What people see of it. */
export function shownVertex({ id, name, location, inputs }: Vertex): BuildVertex {
  const steps = inputs.filter(({ operation }) => operation !== undefined);
  return { id, name, location, inputs: steps.map(input => input.id) };
}
