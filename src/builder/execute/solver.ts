import type { BlobReader, Lease } from '../../content/store.ts';
import { isHawserError } from '../../errors/hawser-error.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import type { Digest } from '../../image/digest.ts';
import { throwIfAborted } from '../../util/abort.ts';
import { type BuildCache, type CachedLayer, withCaches } from '../cache/build-cache.ts';
import type { ImportedCache } from '../cache/imported-cache.ts';
import { located } from '../located.ts';
import type { BuildObserver } from '../observer.ts';
import { emptyState, extendState, type FileState } from './file-state.ts';
import { HeadStart } from './head-start.ts';
import type { ExecuteOptions, Operation, Result, Vertex } from './operation.ts';
import { Semaphore } from './semaphore.ts';
import { Reading, StepInProgress } from './step-in-progress.ts';
import type { Workspace } from './workspace.ts';

export interface SolverOptions {
  readonly cache: BuildCache;
  /** Asked for what the cache lacks. */
  readonly imported?: ImportedCache | undefined;
  readonly store: BlobReader;
  readonly lease: Lease;
  readonly workspace: Workspace;
  readonly observer: BuildObserver;
  /** Operations that run at once. */
  readonly jobs: number;
  /** Told of each layer that a step came to, as soon as it is there. */
  readonly onLayer?: ((vertex: Vertex, layer: Descriptor) => void) | undefined;
  /** Stops the rest of the build; the solver fires it at the first failure. */
  readonly abort: AbortController;
}

/**
 * Solves a graph of operations: inputs first and side by side, each vertex once, the same key once, the cache before the
 * work. docs/build-lifecycle.md
 */
export class Solver {
  readonly #options: SolverOptions;
  readonly #solved = new Map<Vertex, Promise<FileState>>();
  readonly #byKey = new Map<Digest, Promise<CachedLayer>>();
  readonly #results = new Map<Vertex, SolvedStep>();
  readonly #semaphore: Semaphore;
  /** Those whose files an operation reads. */
  readonly #read = new Set<Vertex>();

  constructor(options: SolverOptions) {
    this.#options = options;
    this.#semaphore = new Semaphore(options.jobs);
  }

  /** The files of a vertex. The first failure of any vertex stops the others, and all are waited out. */
  async solve(targets: readonly Vertex[]): Promise<readonly FileState[]> {
    noteRead(targets, this.#read);
    try {
      return await Promise.all(targets.map(target => this.#solve(target)));
    } catch (error) {
      this.#options.abort.abort(error);
      await Promise.allSettled(this.#solved.values());
      throw error;
    }
  }

  /** What each vertex came to that was solved, but for what nobody may find again. */
  get results(): ReadonlyMap<Vertex, SolvedStep> {
    return this.#results;
  }

  #solve(vertex: Vertex): Promise<FileState> {
    let solving = this.#solved.get(vertex);
    if (solving === undefined) {
      solving = this.#solveOnce(vertex);
      this.#solved.set(vertex, solving);
    }
    return solving;
  }

  async #solveOnce(vertex: Vertex): Promise<FileState> {
    const { operation } = vertex;
    if (operation === undefined) return vertex.source ?? emptyState;
    const solving = vertex.inputs.map(input => this.#solve(input));
    const [base = Promise.resolve(emptyState), ...others] = solving;
    base.catch(() => undefined); // who waits for it meets the failure
    const inputs =
      operation.independent === true
        ? [emptyState, ...(await Promise.all(others))]
        : await Promise.all(solving);
    throwIfAborted(this.#options.abort.signal);
    const step = new StepInProgress(vertex, this.#options.observer);
    try {
      const layer = await this.#layerOf(operation, { vertex, inputs, step });
      step.done();
      return extendState(await base, layer);
    } catch (caught) {
      const error = isHawserError(caught, 'ABORTED') ? caught : located(caught, vertex.location);
      // The first failure is the build's; that others are stopped for it is no failure of theirs.
      if (!this.#options.abort.signal.aborted) this.#options.abort.abort(error);
      step.failed(error);
      throw error;
    }
  }

  async #layerOf(operation: Operation, work: Work): Promise<CachedLayer> {
    const { jobs, observer } = this.#options;
    let headStart: HeadStart | undefined;
    const reading = new Reading(operation, work.vertex, observer);
    const onReading = (bytes: number) => {
      reading.tell(bytes);
      if (jobs > 1) headStart ??= new HeadStart(operation, work.inputs, this.#executeOptions(work));
    };
    try {
      const key = await operation.cacheKey(work.inputs, onReading).finally(() => reading.end());
      const running = this.#byKey.get(key);
      if (running !== undefined) {
        const layer = await running;
        work.step.cached();
        this.#note(work.vertex, layer, key);
        return layer;
      }
      const layer = this.#lookUpOrExecute(operation, key, { ...work, headStart });
      this.#byKey.set(key, layer);
      return await layer;
    } finally {
      await headStart?.abandon(); // where it was not needed
    }
  }

  #executeOptions({ vertex, step }: Work): ExecuteOptions {
    const { workspace, abort, observer } = this.#options;
    return {
      workspace,
      unread: !this.#read.has(vertex),
      signal: abort.signal,
      output: (stream, chunk) => observer.vertexOutput(step.shown, stream, chunk),
      warn: message => observer.warning?.(message, vertex.location),
    };
  }

  async #lookUpOrExecute(operation: Operation, key: Digest, work: Work): Promise<CachedLayer> {
    const { vertex, step } = work;
    const mayReuse = vertex.ignoreCache !== true;
    const known = mayReuse ? await this.#lookUp(key, vertex) : undefined;
    if (known !== undefined) {
      step.cached();
      this.#note(vertex, known, key);
      return known;
    }
    return mayReuse ? this.#executeOnce(operation, key, work) : this.#execute(operation, key, work);
  }

  /**
   * Runs the step unless another build on this root is at it: then its result is taken. Who waits for another one's has no
   * place among the jobs, so that two builds cannot wait for each other.
   */
  async #executeOnce(operation: Operation, key: Digest, work: Work): Promise<CachedLayer> {
    const { cache, abort } = this.#options;
    const claim = await work.step.waitsFor('another build', cache.claim(key, abort.signal));
    try {
      const made = await this.#lookUpHere(key);
      if (made === undefined) return await this.#execute(operation, key, work);
      work.step.cached();
      this.#note(work.vertex, made, key);
      return made;
    } finally {
      await claim.release();
    }
  }

  async #execute(operation: Operation, key: Digest, work: Work): Promise<CachedLayer> {
    const { vertex, step, inputs } = work;
    if (work.headStart !== undefined) {
      step.started();
      return this.#keep([key], work, await work.headStart.finish());
    }
    const { workspace, abort, cache } = this.#options;
    const mayReuse = vertex.ignoreCache !== true;
    return this.#semaphore.run(async () => {
      throwIfAborted(abort.signal);
      const contentKey = await operation.contentKey?.(inputs, workspace);
      const same = contentKey === undefined || !mayReuse ? undefined : await this.#lookUp(contentKey, vertex);
      if (same !== undefined) {
        await cache.put(key, { ...same, ...notedOf(work) });
        step.cached();
        this.#note(vertex, same, key, ...(contentKey === undefined ? [] : [contentKey]));
        return same;
      }
      step.started();
      const result = await operation.execute(inputs, this.#executeOptions(work));
      return this.#keep(contentKey === undefined ? [key] : [key, contentKey], work, result);
    });
  }

  async #keep(keys: readonly Digest[], work: Work, result: Result): Promise<CachedLayer> {
    const { transient, ...layer } = result;
    if (transient === true) return layer;
    for (const key of keys) await this.#options.cache.put(key, { ...layer, ...notedOf(work) });
    this.#note(work.vertex, layer, ...keys);
    return layer;
  }

  #note(vertex: Vertex, layer: CachedLayer, ...keys: readonly Digest[]): void {
    this.#results.set(vertex, { layer, keys });
    this.#options.onLayer?.(vertex, layer.descriptor);
  }

  async #lookUp(key: Digest, vertex: Vertex): Promise<CachedLayer | undefined> {
    const { imported, lease, abort } = this.#options;
    const known = await this.#lookUpHere(key);
    return known ?? imported?.find(key, vertex.name, { lease, signal: abort.signal });
  }

  /** A cached layer, once it is certain that it is there and stays. */
  async #lookUpHere(key: Digest): Promise<CachedLayer | undefined> {
    const { cache, lease, store } = this.#options;
    const record = cache.use(key);
    if (record === undefined) return undefined;
    const { descriptor, diffID, created, caches } = record;
    await lease.add(descriptor.digest);
    const info = await store.stat(descriptor.digest);
    if (info?.size === descriptor.size) return withCaches({ descriptor, diffID, created }, caches);
    await cache.forget(key);
    return undefined;
  }
}

/** A step, for who takes the cache elsewhere. */
export interface SolvedStep {
  readonly layer: CachedLayer;
  readonly keys: readonly Digest[];
}

interface Work {
  readonly vertex: Vertex;
  readonly inputs: readonly FileState[];
  readonly step: StepInProgress;
  /** Its execution, where that began before the key was known. */
  readonly headStart?: HeadStart | undefined;
}

/** Adds what the operations of `targets`, and of all that they stand on, read. */
function noteRead(targets: readonly Vertex[], read: Set<Vertex>): void {
  const seen = new Set<Vertex>();
  const waiting = [...targets];
  for (let vertex = waiting.pop(); vertex !== undefined; vertex = waiting.pop()) {
    if (seen.has(vertex)) continue;
    seen.add(vertex);
    waiting.push(...vertex.inputs);
    if (vertex.operation === undefined) continue;
    // What an independent one is only put on top of, it does not read.
    for (const input of vertex.operation.independent ? vertex.inputs.slice(1) : vertex.inputs)
      read.add(input);
  }
}

/** What a record of the cache says of the step beside its layer. */
function notedOf({ vertex, inputs }: Work) {
  const parent = inputs[0]?.chainID;
  return { step: vertex.name, ...(parent === undefined ? {} : { parent }) };
}
