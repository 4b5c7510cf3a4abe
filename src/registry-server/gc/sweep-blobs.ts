import { type Digest, isDigest } from '../../image/digest.ts';
import { throwIfAborted } from '../../util/abort.ts';
import type { StorageDriver, StorageReader } from '../storage/driver.ts';
import { readLink } from '../storage/links.ts';
import { blobAliasPath, blobDataPath, blobFolderPath, blobsPath } from '../storage/paths.ts';
import type { DigestSet } from './digest-set.ts';
import { type RemovedBlob, removeUnlinked } from './remove-blobs.ts';
import { removeRemains } from './remove-remains.ts';

/** Blobs that are taken away at once: the links of all repositories are looked through once for each lot. */
const LOT = 2000;

/** Every folder of content below blobs/<algorithm>. */
export async function* listBlobs(reader: StorageReader, algorithm: string): AsyncGenerator<Digest> {
  const folder = blobsPath(algorithm);
  for (const prefix of await reader.list(folder)) {
    for (const hex of await reader.list(`${folder}/${prefix}`)) {
      const digest = `${algorithm}:${hex}`;
      if (isDigest(digest) && hex.startsWith(prefix)) yield digest;
    }
  }
}

export interface SweepOptions {
  /** What is linked or referred to. */
  readonly used: DigestSet;
  /** What a repository gave up just now: it may go whatever its age. */
  readonly freed: ReadonlySet<Digest>;
  /** Content that was written later stays: its link may be on the way. Milliseconds since 1970. */
  readonly before: number;
  readonly dryRun?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Removes content that nothing uses, and yields it. */
export async function* sweepBlobs(driver: StorageDriver, options: SweepOptions): AsyncGenerator<RemovedBlob> {
  const { used, freed, before, dryRun, signal } = options;
  let lot: RemovedBlob[] = [];
  const remove = async () => {
    const doomed = lot;
    lot = [];
    return dryRun === true
      ? doomed
      : await removeUnlinked(
          driver,
          doomed.map(({ digest }) => digest),
        );
  };
  for await (const digest of listBlobs(driver, 'sha256')) {
    throwIfAborted(signal);
    if (used.has(digest)) continue;
    const info = await driver.stat(blobDataPath(digest));
    if (info === undefined) {
      // What a crash left of a file that was written: its folder has no data.
      if (dryRun !== true)
        await removeRemains(driver, blobFolderPath(digest), { before, top: blobsPath('sha256') });
      continue;
    }
    if (info.modified >= before && !freed.has(digest)) continue;
    lot.push({ digest, size: info.size });
    if (lot.length >= LOT) yield* await remove();
  }
  yield* await remove();
}

/** Removes names by sha512 of content that is gone. */
export async function sweepAliases(driver: StorageDriver, before: number): Promise<void> {
  for await (const digest of listBlobs(driver, 'sha512')) {
    const path = blobAliasPath(digest);
    const canonical = await readLink(driver, path);
    const isDead = canonical === undefined || (await driver.stat(blobDataPath(canonical))) === undefined;
    if (!isDead || ((await driver.stat(path))?.modified ?? 0) >= before) continue;
    await driver.remove(path, { durable: false });
    await driver.prune(blobFolderPath(digest), blobsPath('sha512'));
  }
}
