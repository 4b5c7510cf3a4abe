import type { BuildObserver, BuildVertex } from '../observer.ts';
import { type Operation, shownVertex, type Vertex } from './operation.ts';

/** Milliseconds. */
const patience = 300;

/** Tells the observer of sources that take long to read, as of a vertex of its own. */
export class Reading {
  readonly #shown: BuildVertex;
  readonly #observer: BuildObserver;
  #began = false;

  constructor({ sources = 'sources' }: Operation, { id }: Vertex, observer: BuildObserver) {
    this.#shown = { id: `${id} sources`, name: `[internal] load ${sources}` };
    this.#observer = observer;
  }

  tell(bytes: number): void {
    if (!this.#began) this.#observer.vertexStarted(this.#shown);
    this.#began = true;
    this.#observer.vertexProgress?.(this.#shown, { what: 'reading', done: bytes });
  }

  end(): void {
    if (this.#began) this.#observer.vertexDone(this.#shown);
  }
}

/** Tells the observer about one vertex, each thing once. */
export class StepInProgress {
  readonly shown: BuildVertex;
  readonly #observer: BuildObserver;
  #state: 'waiting' | 'started' | 'ended' = 'waiting';

  constructor(vertex: Vertex, observer: BuildObserver) {
    this.shown = shownVertex(vertex);
    this.#observer = observer;
  }

  /** Tells what it waits for, if `wait` takes so long that somebody may ask. */
  async waitsFor<Result>(what: string, wait: Promise<Result>): Promise<Result> {
    const timer = setTimeout(() => this.#observer.vertexWaits?.(this.shown, `waiting for ${what}`), patience);
    try {
      return await wait;
    } finally {
      clearTimeout(timer);
    }
  }

  started(): void {
    this.#state = 'started';
    this.#observer.vertexStarted(this.shown);
  }

  cached(): void {
    this.#state = 'ended';
    this.#observer.vertexCached(this.shown);
  }

  done(): void {
    if (this.#state === 'started') this.#observer.vertexDone(this.shown);
    this.#state = 'ended';
  }

  failed(error: unknown): void {
    if (this.#state === 'ended') return;
    if (this.#state === 'waiting') this.started();
    this.#state = 'ended';
    this.#observer.vertexFailed(this.shown, error);
  }
}
