import { setTimeout as delay } from 'node:timers/promises';
import type { RepositoryName } from '../../distribution/names.ts';
import { isHawserError } from '../../errors/hawser-error.ts';
import type { Digest } from '../../image/digest.ts';
import { throwIfAborted } from '../../util/abort.ts';
import { walkRepositories } from '../storage/catalog.ts';
import { noteTime } from '../storage/collected-links.ts';
import type { StorageDriver, StorageLock } from '../storage/driver.ts';
import {
  collectedPath,
  gcLockPath,
  locksFolder,
  spentFolder,
  temporaryFolder,
  trashFolder,
  uploadDataPath,
  uploadStartedPath,
  uploadsPath,
} from '../storage/paths.ts';
import { removeOlder } from '../storage/remove-older.ts';
import { isUploadID } from '../storage/upload-id.ts';
import { takeBallast, withBallast } from './ballast.ts';
import { collectRepository } from './collect-repository.ts';
import { DigestSet } from './digest-set.ts';
import { removeHalfTags } from './half-tags.ts';
import type { RemovedBlob } from './remove-blobs.ts';
import { ReferenceCache } from './repository-view.ts';
import { putAllBack } from './set-aside.ts';
import { sweepAliases, sweepBlobs } from './sweep-blobs.ts';

const LOCK_PAUSE = 50;

export interface CollectOptions {
  /** Milliseconds for which what was pushed and is not needed yet stays. */
  readonly grace: number;
  /** Whether manifests that no tag reaches go, as with registry:2's `-m`; referrers of what stays, stay. */
  readonly untagged?: boolean;
  /** Says what would go, and changes nothing. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Told of each repository and of what goes, as it goes. */
  readonly onProgress?: (event: CollectEvent) => void;
}

export type CollectEvent =
  | { readonly kind: 'repository'; readonly name: RepositoryName }
  | { readonly kind: 'manifest' | 'link'; readonly name: RepositoryName; readonly digest: Digest }
  | { readonly kind: 'broken'; readonly name: RepositoryName; readonly digest: Digest }
  | ({ readonly kind: 'blob' } & RemovedBlob);

export interface Collected {
  readonly repositories: number;
  /** Manifests, and links to layers, that were taken out of their repositories. */
  readonly manifests: number;
  readonly links: number;
  readonly blobs: number;
  /** Bytes of the blobs. */
  readonly size: number;
  /** Blobs that are in use. */
  readonly used: number;
}

/** Makes what collectors need before they can run: on a full disk it could not be made any more. */
export async function prepareCollecting(driver: StorageDriver): Promise<void> {
  if ((await driver.stat(gcLockPath)) !== undefined) return;
  await driver.write(gcLockPath, '', { durable: false });
  await takeBallast(driver);
}

/** Runs `work` as the only collector of a volume. @throws HawserError ABORTED */
export async function withCollectorLock<Result>(
  driver: StorageDriver,
  work: () => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  await prepareCollecting(driver);
  let lock: StorageLock | undefined;
  for (;;) {
    throwIfAborted(signal);
    lock = await driver.tryLock(gcLockPath);
    if (lock !== undefined) break;
    await delay(LOCK_PAUSE);
  }
  try {
    return await withBallast(driver, async () => {
      // A collector that died may have left files aside; its lock died with it.
      await putAllBack(driver);
      return await work();
    });
  } finally {
    await lock.release();
  }
}

/** Whether somebody is uploading to a repository: what is linked there may be for a manifest that is still to come. */
async function isPushedTo(driver: StorageDriver, name: RepositoryName, before: number): Promise<boolean> {
  for (const id of (await driver.list(uploadsPath(name))).filter(isUploadID)) {
    const info = await driver.stat(uploadDataPath(name, id));
    if (info !== undefined && info.modified >= before) return true;
    try {
      const lock = await driver.tryLock(uploadStartedPath(name, id));
      if (lock === undefined) return true;
      await lock.release();
    } catch (error) {
      if (!isHawserError(error, 'NOT_FOUND')) throw error; // it ended just now
    }
  }
  return false;
}

/**
 * Collects the garbage of a volume while it is served and pushed to, by this process and by others.
 *
 * @throws HawserError ABORTED
 */
export async function collectGarbage(driver: StorageDriver, options: CollectOptions): Promise<Collected> {
  return await withCollectorLock(driver, () => collectAll(driver, options), options.signal);
}

async function collectAll(driver: StorageDriver, options: CollectOptions): Promise<Collected> {
  const { grace, untagged, dryRun = false, signal, onProgress } = options;
  const before = Date.now() - grace;
  const cache = new ReferenceCache();
  const used = new DigestSet();
  const freed = new Set<Digest>();
  const counts = { repositories: 0, manifests: 0, links: 0, blobs: 0, size: 0 };
  for await (const { name } of walkRepositories(driver)) {
    throwIfAborted(signal);
    onProgress?.({ kind: 'repository', name });
    const isBusy = await isPushedTo(driver, name, before);
    const isOld = (_: Digest, modified: number) => modified < before;
    const { manifests, layers, view } = await collectRepository(driver, name, {
      cache,
      mayManifestGo: untagged === true ? isOld : undefined,
      mayLayerGo: (digest, modified) => !isBusy && isOld(digest, modified),
      remainsBefore: before,
      dryRun,
    });
    if (!dryRun) await removeHalfTags(driver, name, before);
    counts.repositories++;
    counts.manifests += manifests.length;
    counts.links += layers.length;
    for (const digest of view.broken) onProgress?.({ kind: 'broken', name, digest });
    for (const digest of manifests) onProgress?.({ kind: 'manifest', name, digest });
    for (const digest of layers) onProgress?.({ kind: 'link', name, digest });
    for (const digest of [...manifests, ...layers]) freed.add(digest);
    for (const digest of [...view.layers, ...view.manifests.keys(), ...view.broken]) used.add(digest);
    for (const { all } of view.manifests.values()) all.forEach(digest => used.add(digest));
  }
  for await (const blob of sweepBlobs(driver, { used, freed, before, dryRun, signal })) {
    onProgress?.({ kind: 'blob', ...blob });
    counts.blobs++;
    counts.size += blob.size;
  }
  if (!dryRun) await sweepRest(driver, before);
  return { ...counts, used: used.size };
}

/** Removes what old collections and crashes left. */
async function sweepRest(driver: StorageDriver, before: number): Promise<void> {
  await sweepAliases(driver, before);
  const oldest = Date.now() - noteTime;
  await removeOlder(driver, locksFolder, oldest);
  await removeOlder(driver, collectedPath, oldest);
  await removeOlder(driver, trashFolder, oldest);
  await removeOlder(driver, spentFolder, oldest);
  await removeOlder(driver, temporaryFolder, oldest);
}
