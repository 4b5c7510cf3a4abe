import { randomUUID } from 'node:crypto';
import type { StorageLock } from '../driver.ts';
import { locksFolder } from '../paths.ts';
import type { S3Bucket, S3Object } from './s3-bucket.ts';

/** Milliseconds after which a claim that was not renewed counts for nothing: its process is dead. */
const LEASE = 60_000;
const RENEWAL = 15_000;

/**
 * Locks between registries on one bucket, with nothing but reading, writing and listing: who wants a lock writes a claim
 * and looks at all claims then. Of two who do so at once, the one that looks last sees the other's, so that at most one has
 * the lock, and sometimes none, who both try again. Claims are compared by the bucket's own clock.
 */
export class S3Locks {
  readonly #bucket: S3Bucket;
  readonly #held = new Set<string>();
  readonly #lease: number;

  constructor(bucket: S3Bucket, lease = LEASE) {
    this.#bucket = bucket;
    this.#lease = lease;
  }

  async tryLock(path: string): Promise<StorageLock | undefined> {
    if (this.#held.has(path)) return undefined;
    this.#held.add(path);
    const folder = `${locksFolder}/${path}/`;
    const claim = `${folder}${randomUUID()}`;
    try {
      await this.#bucket.put(claim, new Uint8Array());
      if (await this.#isAlone(folder, claim)) return this.#lockOf(path, claim);
      await this.#bucket.remove(claim);
    } catch (error) {
      this.#held.delete(path);
      throw error;
    }
    this.#held.delete(path);
    return undefined;
  }

  async #isAlone(folder: string, claim: string): Promise<boolean> {
    const claims: S3Object[] = [];
    for await (const { objects } of this.#bucket.pages(folder)) claims.push(...objects);
    const mine = claims.find(({ key }) => key === claim);
    if (mine === undefined) return false;
    const others = claims.filter(each => each !== mine);
    if (others.some(({ modified }) => mine.modified - modified < this.#lease)) return false;
    for (const { key } of others) await this.#bucket.remove(key);
    return true;
  }

  #lockOf(path: string, claim: string): StorageLock {
    let renewing: Promise<void> = Promise.resolve();
    let isReleased = false;
    const renewal = setInterval(
      () => {
        renewing = renewing
          .then(() => (isReleased ? undefined : this.#bucket.put(claim, new Uint8Array())))
          .catch(() => undefined); // the next one may work; whoever comes after the lease takes the lock
      },
      Math.min(RENEWAL, this.#lease / 4),
    );
    renewal.unref();
    const release = async () => {
      clearInterval(renewal);
      isReleased = true;
      await renewing;
      await this.#bucket.remove(claim);
      this.#held.delete(path);
    };
    return { release };
  }
}
