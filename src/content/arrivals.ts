import type { Digest } from '../image/digest.ts';
import { Deferred } from '../util/deferred.ts';

/** A blob on its way into the store: what is there of it may be read, and counts for nothing until `done` is fulfilled. */
export interface ArrivingBlob {
  /** Its file until `done` is settled. */
  readonly path: string;
  /** Bytes that can be read. */
  readonly written: number;
  /** Fulfilled when it is whole, verified and under its own name; rejected when it will not be. */
  readonly done: Promise<void>;
  /** @returns what ends the calls */
  onGrowth(listener: (written: number) => void): () => void;
}

/** The writer's side of an `ArrivingBlob`. */
export class ArrivingFile implements ArrivingBlob {
  readonly path: string;
  readonly #listeners = new Set<(written: number) => void>();
  readonly #end = new Deferred<void>();
  #written = 0;

  constructor(path: string) {
    this.path = path;
  }

  get written(): number {
    return this.#written;
  }

  get done(): Promise<void> {
    return this.#end.promise;
  }

  grow(bytes: number): void {
    this.#written += bytes;
    for (const listener of this.#listeners) listener(this.#written);
  }

  finish(): void {
    this.#end.resolve();
  }

  fail(error: unknown): void {
    this.#end.reject(error);
  }

  onGrowth(listener: (written: number) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

/** Tells who waits for blobs when they begin to arrive, so that they can be read while they do. */
export class Arrivals {
  readonly #expected = new Map<Digest, Deferred<ArrivingBlob | undefined>>();
  #failure: { readonly error: unknown } | undefined;

  #entry(digest: Digest): Deferred<ArrivingBlob | undefined> {
    const entry = this.#expected.get(digest) ?? new Deferred<ArrivingBlob | undefined>();
    if (this.#failure !== undefined) entry.reject(this.#failure.error);
    this.#expected.set(digest, entry);
    return entry;
  }

  /** Waits until the blob arrives; undefined where it is in the store. @throws why it does not come */
  begun(digest: Digest): Promise<ArrivingBlob | undefined> {
    return this.#entry(digest).promise;
  }

  begin(digest: Digest, blob: ArrivingBlob): void {
    this.#entry(digest).resolve(blob);
  }

  isPresent(digest: Digest): void {
    this.#entry(digest).resolve(undefined);
  }

  /** Nothing more will come. */
  fail(error: unknown): void {
    this.#failure = { error };
    for (const { reject } of this.#expected.values()) reject(error);
  }
}
