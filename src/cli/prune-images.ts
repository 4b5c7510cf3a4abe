import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildCache } from '../builder/cache/build-cache.ts';
import { pruneCacheMounts } from '../builder/execute/mounts/cache-mounts.ts';
import { isUntaggedName, loadImage } from '../content/resolve-image.ts';
import type { LayoutStore } from '../content/store.ts';
import { isHawserError } from '../errors/hawser-error.ts';
import { extendChainID } from '../image/chain-id.ts';
import type { Digest } from '../image/digest.ts';
import type { SnapshotCatalog } from '../layers/snapshotter.ts';
import { readRecords } from '../runtime/container-store.ts';
import type { Roots } from '../util/roots.ts';
import { collectUnused } from './collect-unused.ts';
import { openSnapshots } from './prepare-image.ts';

export interface PruneOptions {
  readonly all: boolean;
  readonly buildCache: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** The chainIDs of an image, from its first layer to its last. */
function chainsOf(diffIDs: readonly Digest[]): Digest[] {
  const chains: Digest[] = [];
  for (const diffID of diffIDs) chains.push(extendChainID(chains.at(-1), diffID));
  return chains;
}

/** The snapshots that named images stand on. */
export async function neededSnapshots(store: LayoutStore): Promise<Set<Digest>> {
  const needed = new Set<Digest>();
  for (const named of await store.references.list()) {
    try {
      const { config } = await loadImage(store, named);
      for (const chainID of chainsOf(config.value.rootfs.diff_ids)) needed.add(chainID);
    } catch (error) {
      // Never unpacked here (of other platforms), removed since it was listed, or damaged: it stands on no snapshot.
      const needsNone = ['PLATFORM_UNAVAILABLE', 'BLOB_UNKNOWN', 'STORE_CORRUPT'];
      if (!isHawserError(error) || !needsNone.includes(error.code)) throw error;
    }
  }
  return needed;
}

/** Removes snapshots that no image needs, children before parents; those in use stay. @returns bytes */
export async function pruneSnapshots(
  snapshots: SnapshotCatalog,
  needed: ReadonlySet<Digest>,
): Promise<number> {
  let freed = 0;
  for (let again = true; again; ) {
    again = false;
    for (const { chainID, users, size } of await snapshots.list()) {
      if (needed.has(chainID) || users > 0) continue;
      try {
        if (!(await snapshots.remove(chainID))) continue;
        freed += size;
        again = true;
      } catch (error) {
        // Taken into use since it was listed.
        if (!isHawserError(error, 'CONFLICT')) throw error;
      }
    }
  }
  return freed;
}

/** The results of steps, and downloads and repositories, which a build that runs may be reading. */
async function forgetBuildResults(roots: Roots, store: LayoutStore): Promise<void> {
  const root = join(roots.root, 'build-cache');
  const cache = new BuildCache(root);
  for (const { key } of await cache.list()) await cache.forget(key);
  const building = (await store.leases.list()).some(({ owner }) => owner === 'build');
  if (building) return;
  for (const part of ['downloads', 'git']) await rm(join(root, part), { recursive: true, force: true });
}

/** Frees what nothing needs: names (those without a tag, or all unused ones), blobs, snapshots, build results. */
export async function pruneImages(
  roots: Roots,
  store: LayoutStore,
  options: PruneOptions,
): Promise<{ readonly lines: readonly string[]; readonly size: number }> {
  const used = new Set(readRecords(roots).map(({ image }) => image.id));
  const lines: string[] = [];
  for (const named of await store.references.list()) {
    if (!options.all && !isUntaggedName(named.name)) continue;
    const image = await loadImage(store, named).catch(() => undefined);
    if (image !== undefined && used.has(image.config.digest)) continue;
    if (await store.references.remove(named.name)) lines.push(`Untagged: ${named.name}`);
  }
  let caches = 0;
  if (options.buildCache || options.all) {
    caches = await pruneCacheMounts(join(roots.root, 'build-cache/mounts'));
    await forgetBuildResults(roots, store);
  }
  const snapshots = await openSnapshots(roots);
  const freed = await pruneSnapshots(snapshots, await neededSnapshots(store));
  const { size } = await collectUnused(roots, store);
  return { lines, size: size + freed + caches };
}
