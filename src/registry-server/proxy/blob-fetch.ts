import { setTimeout as delay } from 'node:timers/promises';
import type { RepositoryName } from '../../distribution/names.ts';
import { HawserError, isHawserError } from '../../errors/hawser-error.ts';
import { type Digest, digestAlgorithm } from '../../image/digest.ts';
import { throwIfAborted } from '../../util/abort.ts';
import type { UploadKey } from '../storage/uploads.ts';
import type { Volume } from '../storage/volume.ts';
import type { Upstream } from './upstream.ts';

/** Milliseconds between two looks at how far the download is, for a client that is as far. */
const PAUSE = 15;

export interface FetchedBlob {
  readonly name: RepositoryName;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/**
 * A blob on its way from upstream to the volume, which any number of clients read meanwhile. It comes at its own pace,
 * whatever theirs; the last byte is given out when all were verified, so that no client ever has a whole body that is wrong.
 */
export class BlobFetch {
  readonly blob: FetchedBlob;
  /** Ends with the download; rejects where it failed. */
  readonly done: Promise<void>;
  readonly #volume: Volume;
  readonly #stop = new AbortController();
  readonly #patience: number;
  #key: UploadKey | undefined;
  #outcome: 'running' | 'done' | 'failed' = 'running';
  #readers = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param parts.patience Milliseconds for which it goes on when the last client has left */
  constructor(
    blob: FetchedBlob,
    parts: { readonly upstream: Upstream; readonly volume: Volume; readonly patience: number },
  ) {
    this.blob = blob;
    this.#volume = parts.volume;
    this.#patience = parts.patience;
    this.done = this.#run(parts.upstream).then(
      () => void (this.#outcome = 'done'),
      (error: unknown) => {
        this.#outcome = 'failed';
        throw error;
      },
    );
    this.done.catch(() => undefined); // met by the readers, if there are any
  }

  stop(): void {
    this.#stop.abort();
  }

  async #run(upstream: Upstream): Promise<void> {
    const { name, digest } = this.blob;
    const { uploads } = this.#volume;
    const key = await uploads.start(name, digestAlgorithm(digest));
    this.#key = key;
    try {
      await uploads.commit(key, digest, { source: upstream.blob(name, this.blob, this.#stop.signal) });
    } catch (error) {
      if (!isHawserError(error, 'DIGEST_INVALID')) await uploads.cancel(key);
      throw error;
    } finally {
      clearTimeout(this.#timer);
    }
  }

  /** The bytes from `start` to before `end`, as they come. @throws HawserError UNAVAILABLE, ABORTED */
  async *read(range: {
    readonly start: number;
    readonly end: number;
    readonly signal: AbortSignal;
  }): AsyncGenerator<Uint8Array, void> {
    const { start, end, signal } = range;
    this.#readers++;
    clearTimeout(this.#timer);
    try {
      for (let position = start; position < end; ) {
        throwIfAborted(signal);
        for await (const chunk of await this.#next(position, end)) {
          yield chunk;
          position += chunk.length;
        }
      }
    } finally {
      this.#readers--;
      if (this.#readers === 0 && this.#outcome === 'running')
        this.#timer = setTimeout(() => this.stop(), this.#patience).unref();
    }
  }

  /** What has arrived behind `position`; nothing after a moment in which nothing did. */
  async #next(position: number, end: number): Promise<AsyncIterable<Uint8Array>> {
    if (this.#outcome === 'failed') {
      const error: unknown = await this.done.catch((cause: unknown) => cause);
      throw new HawserError('UNAVAILABLE', `blob ${this.blob.digest} did not arrive whole`, { cause: error });
    }
    if (this.#outcome === 'done') {
      const stored = await this.#volume.blobs.stat(this.blob.name, this.blob.digest);
      if (stored === undefined) throw new HawserError('BLOB_UNKNOWN', `blob ${this.blob.digest} is gone`);
      return await this.#volume.blobs.read(stored, { start: position, end });
    }
    try {
      const size = this.#key === undefined ? 0 : await this.#volume.uploads.size(this.#key);
      const there = Math.min(size, this.blob.size - 1, end);
      if (this.#key !== undefined && there > position)
        return await this.#volume.uploads.read(this.#key, { start: position, end: there });
    } catch (error) {
      // It is getting its name in the volume just now, or has failed.
      if (!isHawserError(error, 'BLOB_UPLOAD_UNKNOWN') && !isHawserError(error, 'NOT_FOUND')) throw error;
    }
    await Promise.race([delay(PAUSE), this.done.catch(() => undefined)]);
    return nothing();
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
