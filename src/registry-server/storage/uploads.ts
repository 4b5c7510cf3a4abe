import { setTimeout as delay } from 'node:timers/promises';
import type { RepositoryName } from '../../distribution/names.ts';
import { HawserError, isHawserError } from '../../errors/hawser-error.ts';
import { type Digest, type DigestAlgorithm, digestAlgorithm } from '../../image/digest.ts';
import { allOf } from './all-of.ts';
import { canReuse, type ReadOptions, type StorageDriver, type StorageLock } from './driver.ts';
import { addLink } from './links.ts';
import { blobDataPath, uploadDataPath, uploadPath, uploadStartedPath } from './paths.ts';
import { RunningDigest } from './running-digest.ts';
import { newUploadID, type UploadID } from './upload-id.ts';

/**
 * Milliseconds that a request waits for an upload which somebody else holds: a collector does for an instant, to see
 * whether it is written to, and so does a request whose client has just gone and tries again.
 */
const LOCK_PATIENCE = 2000;

export interface UploadKey {
  readonly name: RepositoryName;
  readonly id: UploadID;
}

interface LiveUpload {
  readonly key: UploadKey;
  readonly running: RunningDigest;
  /** A request of this process is writing. */
  busy: boolean;
  /** Milliseconds since 1970 of the last request. */
  used: number;
}

/** What comes next in an upload. */
export interface Chunk {
  readonly source: AsyncIterable<Uint8Array>;
  /** Where it must go on; where it ends if left out. */
  readonly offset?: number | undefined;
}

export interface UploadLimits {
  /** Uploads that may be open at once, as far as this process knows of them. */
  readonly maxOpen: number;
  /** Milliseconds after which an open upload makes room for a new one, where there are too many. */
  readonly idleTime: number;
}

function unknownUpload(key: UploadKey, cause?: unknown): HawserError {
  return new HawserError('BLOB_UPLOAD_UNKNOWN', `there is no upload ${key.id} in ${key.name}`, { cause });
}

/**
 * Upload sessions, `_uploads/<uuid>/{data,startedat}`: registry:2 takes over what we began and the reverse, since the
 * size of `data` is the state. The running digest is kept in memory beside it, and made again from the file where it is
 * lost. A crash leaves a session that can be resumed; content gets its name in blobs/ only after it was verified.
 */
export class Uploads {
  readonly #driver: StorageDriver;
  readonly #limits: UploadLimits;
  /** The one that was used last comes last. */
  readonly #live = new Map<UploadID, LiveUpload>();

  constructor(driver: StorageDriver, limits: UploadLimits) {
    this.#driver = driver;
    this.#limits = limits;
  }

  /**
   * @param algorithm What the client announced to end the upload with; saves a second pass over the file.
   * @throws HawserError TOOMANYREQUESTS
   */
  async start(name: RepositoryName, algorithm?: DigestAlgorithm): Promise<UploadKey> {
    await this.#makeRoom();
    const key = { name, id: newUploadID() };
    await this.#makeFolder(key, startedAt(new Date()));
    this.#remember(key, new RunningDigest(algorithm));
    return key;
  }

  /** Bytes received so far. @throws HawserError BLOB_UPLOAD_UNKNOWN */
  async size(key: UploadKey): Promise<number> {
    const [started, data] = await Promise.all([
      this.#driver.stat(uploadStartedPath(key.name, key.id)),
      this.#driver.stat(uploadDataPath(key.name, key.id)),
    ]);
    if (started === undefined) throw unknownUpload(key);
    return data?.size ?? 0;
  }

  /** What has arrived, as far as it is on the volume. @throws HawserError NOT_FOUND */
  async read(key: UploadKey, options: ReadOptions): Promise<AsyncGenerator<Uint8Array, void>> {
    return await this.#driver.read(uploadDataPath(key.name, key.id), options);
  }

  /**
   * Adds a chunk, whose offset must be the end.
   *
   * @returns the new size
   * @throws HawserError RANGE_INVALID, BLOB_UPLOAD_UNKNOWN, BLOB_UPLOAD_INVALID, NO_SPACE
   */
  async append(key: UploadKey, chunk: Chunk): Promise<number> {
    return await this.#exclusively(key, (live, size) => this.#append(live, size, chunk));
  }

  /**
   * Ends an upload, after what `last` has where there is something: verifies, publishes and links the blob. A wrong digest
   * ends the upload too.
   *
   * @throws HawserError DIGEST_INVALID, RANGE_INVALID, BLOB_UPLOAD_UNKNOWN, BLOB_UPLOAD_INVALID, NO_SPACE
   */
  async commit(key: UploadKey, digest: Digest, last?: Chunk): Promise<void> {
    await this.#exclusively(key, async (live, before) => {
      const size = last === undefined ? before : await this.#append(live, before, last);
      await this.#publish(live, size, digest);
    });
  }

  async #append({ key, running }: LiveUpload, size: number, { source, offset }: Chunk): Promise<number> {
    if (offset !== undefined && offset !== size) {
      throw new HawserError('RANGE_INVALID', `upload ${key.id} goes on at byte ${size}, not at ${offset}`);
    }
    if (running.size !== size) await this.#hashAgain(key, running, size);
    try {
      return await this.#driver.append(uploadDataPath(key.name, key.id), running.of(source), size);
    } catch (error) {
      running.lose(); // what was hashed and what is on disk may differ now
      throw error;
    }
  }

  async #publish({ key, running }: LiveUpload, size: number, digest: Digest): Promise<void> {
    const path = uploadDataPath(key.name, key.id);
    if (size === 0) await this.#driver.append(path, nothing(), 0);
    const wanted = digestAlgorithm(digest);
    if (running.size !== size || !running.has(wanted)) {
      running.restart(wanted);
      await this.#hashAgain(key, running, size);
    }
    const actual = running.digest(wanted);
    if (actual !== digest) {
      await this.#discard(key);
      throw new HawserError('DIGEST_INVALID', `the content hashes to ${actual}, not to ${digest}`, {
        detail: { expected: digest, actual },
      });
    }
    const canonical = running.digest('sha256');
    // Written side by side, for the sake of the disk. The link is there first: content that no repository links may be
    // collected at any moment; a link that a crash left without a blob counts as none.
    const linked = addLink(this.#driver, { name: key.name, kind: '_layers', digest, canonical });
    await allOf([linked, this.#driver.move(path, blobDataPath(canonical), { after: linked })]);
    await this.#retire(key);
  }

  /** @throws HawserError BLOB_UPLOAD_UNKNOWN, BLOB_UPLOAD_INVALID */
  async cancel(key: UploadKey): Promise<void> {
    await this.#exclusively(key, () => this.#discard(key));
  }

  async #makeFolder({ name, id }: UploadKey, content: string): Promise<void> {
    const driver = this.#driver;
    if (canReuse(driver) && (await driver.revive(uploadPath(name, id), 'startedat', content))) return;
    await driver.write(uploadStartedPath(name, id), content, { durable: false });
  }

  /** Ends an upload whose content has moved on. */
  async #retire(key: UploadKey): Promise<void> {
    const driver = this.#driver;
    if (!canReuse(driver)) return await this.#discard(key);
    this.#live.delete(key.id);
    await driver.retire(uploadPath(key.name, key.id), 'startedat');
  }

  async #discard(key: UploadKey): Promise<void> {
    this.#live.delete(key.id);
    await this.#driver.remove(uploadPath(key.name, key.id), { durable: false });
  }

  /** Runs `work` as the only one who changes the upload, of all processes on the volume. */
  async #exclusively<Result>(
    key: UploadKey,
    work: (live: LiveUpload, size: number) => Promise<Result>,
  ): Promise<Result> {
    const lock = await this.#lock(key);
    const live = this.#remember(key, this.#live.get(key.id)?.running ?? new RunningDigest());
    live.busy = true;
    try {
      // Asked under the lock: who held it before may have ended the upload.
      return await work(live, await this.size(key));
    } catch (error) {
      if (isHawserError(error, 'BLOB_UPLOAD_UNKNOWN')) this.#live.delete(key.id);
      throw error;
    } finally {
      live.busy = false;
      await lock.release();
    }
  }

  async #lock(key: UploadKey): Promise<StorageLock> {
    const deadline = Date.now() + LOCK_PATIENCE;
    for (let pause = 1; ; pause *= 2) {
      let lock: StorageLock | undefined;
      try {
        lock = await this.#driver.tryLock(uploadStartedPath(key.name, key.id));
      } catch (error) {
        throw isHawserError(error, 'NOT_FOUND') ? unknownUpload(key, error) : error;
      }
      if (lock !== undefined) return lock;
      if (Date.now() >= deadline)
        throw new HawserError('BLOB_UPLOAD_INVALID', `another request is writing to upload ${key.id}`);
      await delay(pause);
    }
  }

  async #hashAgain(key: UploadKey, running: RunningDigest, size: number): Promise<void> {
    running.restart();
    const path = uploadDataPath(key.name, key.id);
    if (size === 0) return;
    for await (const chunk of await this.#driver.read(path, { end: size })) running.update(chunk);
  }

  #remember(key: UploadKey, running: RunningDigest): LiveUpload {
    const live = { key, running, busy: false, used: Date.now() };
    this.#live.delete(key.id);
    this.#live.set(key.id, live);
    return live;
  }

  /** Gives up the upload that was not used for the longest time, where there are too many. */
  async #makeRoom(): Promise<void> {
    if (this.#live.size < this.#limits.maxOpen) return;
    const oldest = [...this.#live.values()].find(({ busy }) => !busy);
    if (oldest === undefined || oldest.used > Date.now() - this.#limits.idleTime) {
      throw new HawserError(
        'TOOMANYREQUESTS',
        `there are ${this.#live.size} open uploads, which is the limit`,
      );
    }
    await this.#giveUp(oldest.key);
  }

  /** Removes an upload, unless another process on the volume writes to it. */
  async #giveUp(key: UploadKey): Promise<void> {
    this.#live.delete(key.id);
    try {
      const lock = await this.#driver.tryLock(uploadStartedPath(key.name, key.id));
      if (lock === undefined) return;
      try {
        await this.#discard(key);
      } finally {
        await lock.release();
      }
    } catch (error) {
      if (!isHawserError(error, 'NOT_FOUND')) throw error; // it ended elsewhere
    }
  }
}

/** RFC 3339 in UTC with whole seconds, as registry:2 writes it. */
function startedAt(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
