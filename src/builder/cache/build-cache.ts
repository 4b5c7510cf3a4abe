import { readFileSync, statSync, utimesSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isHawserError, systemErrorCode } from '../../errors/hawser-error.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import { type Digest, digestHex, isDigest } from '../../image/digest.ts';
import { writeFileAtomic } from '../../util/atomic-file.ts';
import { type FileLock, lockTransientFile } from '../../util/file-lock.ts';
import { namesIn } from '../../util/names-in.ts';
import { createWholeFile } from '../../util/whole-file.ts';

const NOTE_INTERVAL = 60_000;

/** What a step of a build came to: one layer, and when it was made. */
export interface CachedLayer {
  readonly descriptor: Descriptor;
  readonly diffID: Digest;
  /** RFC 3339. It goes into the image's history, so that a cached rebuild gives the very same image. */
  readonly created: string;
  /** Keys of the cache mounts that the step has used. */
  readonly caches?: readonly string[];
}

export interface CacheRecord extends CachedLayer {
  /** The step as the Dockerfile has it, for `builder du`. */
  readonly step: string;
  /** ChainID of what the step stands on; left out for nothing, and where nobody knows it. */
  readonly parent?: Digest;
}

export interface ListedRecord {
  readonly key: Digest;
  readonly record: CacheRecord;
  /** Milliseconds since 1970. */
  readonly lastUsed: number;
}

/**
 * Results of build steps by key, one file each: `<root>/steps/<key's hex>.json`. A record names a layer in the content
 * store; who finds the layer gone forgets the record.
 */
export class BuildCache {
  readonly #folder: string;
  readonly #claims: string;

  constructor(root: string) {
    this.#folder = join(root, 'steps');
    this.#claims = join(root, 'claims');
  }

  /** Reads synchronously: a cached build asks for one small file after the other. */
  get(key: Digest): CacheRecord | undefined {
    try {
      return parseRecord(readFileSync(this.#pathOf(key), 'utf8'));
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /**
   * As `get`; and notes the time, by which `builder prune` finds what nobody has used for long. To the minute: what is
   * built again and again costs a look each time, and no write.
   */
  use(key: Digest): CacheRecord | undefined {
    const record = this.get(key);
    if (record === undefined) return undefined;
    const noted = statSync(this.#pathOf(key), { throwIfNoEntry: false })?.mtimeMs;
    const now = Date.now();
    if (noted === undefined || now - noted < NOTE_INTERVAL) return record;
    try {
      utimesSync(this.#pathOf(key), now / 1000, now / 1000);
    } catch (error) {
      // Pruned in this moment.
      if (systemErrorCode(error) !== 'ENOENT') throw error;
    }
    return record;
  }

  /**
   * The right to run the step of this key, which one build at a time has, of all on this root; the others wait, and look
   * its result up then. That of a build that was killed goes on to the next.
   *
   * @throws HawserError ABORTED
   */
  claim(key: Digest, signal: AbortSignal): Promise<FileLock> {
    return lockTransientFile(join(this.#claims, digestHex(key)), {
      timeout: Number.POSITIVE_INFINITY,
      signal,
    });
  }

  /** Removes the files of claims whose builds were killed, and whose steps nobody has run since. */
  async sweepClaims(): Promise<void> {
    for (const name of await namesIn(this.#claims)) {
      try {
        await (await lockTransientFile(join(this.#claims, name), { timeout: 0 })).release();
      } catch (error) {
        if (!isHawserError(error, 'LOCK_TIMEOUT')) throw error;
      }
    }
  }

  /** Not flushed: a record that a power cut takes costs one step to be run again, and half of one is no JSON. */
  async put(key: Digest, record: CacheRecord): Promise<void> {
    const [path, text] = [this.#pathOf(key), JSON.stringify(record)];
    if (!createWholeFile(path, text)) await writeFileAtomic(path, text, { durable: false });
  }

  async forget(key: Digest): Promise<void> {
    await rm(this.#pathOf(key), { force: true });
  }

  async list(): Promise<readonly ListedRecord[]> {
    const records: ListedRecord[] = [];
    for (const name of await namesIn(this.#folder)) {
      const key = `sha256:${name.replace(/\.json$/, '')}`;
      if (!isDigest(key)) continue;
      const record = this.get(key);
      const info = statSync(this.#pathOf(key), { throwIfNoEntry: false });
      if (record !== undefined && info !== undefined) records.push({ key, record, lastUsed: info.mtimeMs });
    }
    return records;
  }

  #pathOf(key: Digest): string {
    return join(this.#folder, `${digestHex(key)}.json`);
  }
}

/** A layer, with the cache mounts of its step where it has any. */
export function withCaches<Layer extends CachedLayer>(
  layer: Layer,
  caches: readonly string[] | undefined,
): Layer {
  return caches === undefined || caches.length === 0 ? layer : { ...layer, caches };
}

/** The blobs that the build cache keeps from being collected: `collectGarbage(store, { keep })`. */
export async function cachedDigests(root: string): Promise<readonly Digest[]> {
  const records = await new BuildCache(root).list();
  return records.map(({ record }) => record.descriptor.digest);
}

/** Undefined for a file that is no record: half written before a power cut, or of a later version. */
function parseRecord(text: string): CacheRecord | undefined {
  try {
    const record = JSON.parse(text) as Partial<CacheRecord>;
    const { descriptor, diffID, created } = record;
    const sound =
      typeof descriptor?.digest === 'string' &&
      isDigest(descriptor.digest) &&
      typeof diffID === 'string' &&
      isDigest(diffID) &&
      typeof created === 'string';
    return sound ? (record as CacheRecord) : undefined;
  } catch {
    return undefined;
  }
}
