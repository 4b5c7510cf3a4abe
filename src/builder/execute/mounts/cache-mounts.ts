import { statSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isHawserError, systemErrorCode } from '../../../errors/hawser-error.ts';
import { digestHex, digestOf } from '../../../image/digest.ts';
import { diskUsage } from '../../../layers/snapshot-folders.ts';
import { type FileLock, lockFile, withFileLock } from '../../../util/file-lock.ts';
import { namesIn } from '../../../util/names-in.ts';

/*
 * <root>/<key>/<number>/ is a cache, beside it <number>.lock, which its users hold while they run, and `lock`, under which
 * numbers are given out. A cache is filled under another name and renamed, so that a crash leaves none that is half full.
 */

export interface CacheMountRequest {
  readonly id: string;
  readonly sharing: 'shared' | 'private' | 'locked';
  /** What else makes it a cache of its own: what it begins with. */
  readonly origin: readonly (string | number | undefined)[];
  /** Makes a new cache of a new folder: its owner and first content. */
  readonly fill: (folder: string) => Promise<void>;
}

interface WaitOptions {
  readonly signal: AbortSignal;
  /** Called when another build has the cache for itself. */
  readonly onWait: () => void;
}

export interface OpenedCache {
  readonly path: string;
  release(): Promise<void>;
}

export function cacheMountKey({ id, origin }: Pick<CacheMountRequest, 'id' | 'origin'>): string {
  return digestHex(digestOf(JSON.stringify([id, origin]))).slice(0, 40);
}

/**
 * Opens the cache of a `--mount=type=cache`, as BuildKit shares them: `shared` with all who share it, `locked` alone, after
 * whoever has it; `private` alone, and another one where all are taken.
 *
 * @param root Of all caches.
 * @throws HawserError ABORTED
 */
export async function openCacheMount(
  root: string,
  request: CacheMountRequest,
  options: WaitOptions,
): Promise<OpenedCache> {
  const folder = join(root, cacheMountKey(request));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { number, lock } = await takeNumber(folder, request.sharing, options);
  try {
    const path = join(folder, String(number));
    await withFileLock(join(folder, 'lock'), () => makeCache(path, request), { signal: options.signal });
    return { path, release: () => lock.release() };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function takeNumber(
  folder: string,
  sharing: CacheMountRequest['sharing'],
  { signal, onWait }: WaitOptions,
): Promise<{ readonly number: number; readonly lock: FileLock }> {
  const shared = sharing === 'shared';
  const lockOf = (number: number, timeout: number) =>
    lockFile(join(folder, `${number}.lock`), { shared, timeout, signal });
  const numbers = (await readdir(folder)).filter(name => /^\d+$/.test(name)).map(Number);
  const count = Math.max(1, numbers.length);
  for (let number = 0; ; number++) {
    // Who wants one alone, and no other, waits for the first.
    const last = sharing === 'locked' && number === count;
    if (last) onWait();
    try {
      return last
        ? { number: 0, lock: await lockOf(0, Number.POSITIVE_INFINITY) }
        : { number, lock: await lockOf(number, 0) };
    } catch (error) {
      if (!isHawserError(error, 'LOCK_TIMEOUT')) throw error;
    }
  }
}

async function makeCache(path: string, request: CacheMountRequest): Promise<void> {
  try {
    await readdir(path);
    return;
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
  const beginning = `${path}.new`;
  await rm(beginning, { recursive: true, force: true });
  await mkdir(beginning, { mode: 0o755 });
  await request.fill(beginning);
  await rename(beginning, path);
}

export interface CacheMountInfo {
  /** `<key>/<number>` */
  readonly name: string;
  readonly size: number;
  /** Milliseconds since 1970: its folder's time. */
  readonly changed: number;
}

/** The caches below `root`, measured. */
export async function listCacheMounts(root: string): Promise<readonly CacheMountInfo[]> {
  const found: CacheMountInfo[] = [];
  for (const key of await namesIn(root)) {
    for (const number of (await namesIn(join(root, key))).filter(name => /^\d+$/.test(name))) {
      const path = join(root, key, number);
      const info = statSync(path, { throwIfNoEntry: false });
      if (info !== undefined)
        found.push({ name: `${key}/${number}`, size: diskUsage(path), changed: info.mtimeMs });
    }
  }
  return found;
}

/**
 * Removes a cache unless somebody uses it right now. Its lock stays, since others may be waiting for it.
 *
 * @returns bytes; undefined where it is in use
 */
export async function removeCacheMount(root: string, name: string): Promise<number | undefined> {
  const path = join(root, name);
  try {
    return await withFileLock(
      `${path}.lock`,
      async () => {
        const size = diskUsage(path);
        await rm(path, { recursive: true, force: true });
        return size;
      },
      { timeout: 0 },
    );
  } catch (error) {
    if (isHawserError(error, 'LOCK_TIMEOUT')) return undefined;
    throw error;
  }
}

/** Empties the caches that nobody uses right now. @returns bytes */
export async function pruneCacheMounts(root: string): Promise<number> {
  let freed = 0;
  for (const { name } of await listCacheMounts(root)) freed += (await removeCacheMount(root, name)) ?? 0;
  return freed;
}
