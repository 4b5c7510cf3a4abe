import { rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildCache } from '../builder/cache/build-cache.ts';
import { removeCacheMount } from '../builder/execute/mounts/cache-mounts.ts';
import type { LayoutStore } from '../content/store.ts';
import { throwIfAborted } from '../util/abort.ts';
import type { Roots } from '../util/roots.ts';
import { type BuilderItem, buildCacheRoot, measureBuilder } from './builder-usage.ts';
import { collectUnused } from './collect-unused.ts';
import { openSnapshots } from './prepare-image.ts';
import { neededSnapshots, pruneSnapshots } from './prune-images.ts';

export interface PruneBuilderOptions {
  /** Steps too whose layers an image has: the next build of it runs them. */
  readonly all: boolean;
  /** Milliseconds since 1970: what was used later stays. */
  readonly until?: number | undefined;
  /** How much may stay; what was used last stays. */
  readonly limits?: StorageLimits | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** All in bytes; BuildKit's `--reserved-space`, `--max-used-space` and `--min-free-space`. */
export interface StorageLimits {
  /** Stays whatever the others say; alone, it is what stays. */
  readonly reserved?: number | undefined;
  readonly maxUsed?: number | undefined;
  /** Of the file system. */
  readonly minFree?: number | undefined;
}

/** Bytes that may stay of `total`; undefined where nothing is said. */
export function bytesToKeep(
  { reserved, maxUsed, minFree }: StorageLimits,
  { total, free }: { readonly total: number; readonly free: number },
): number | undefined {
  if (maxUsed === undefined && minFree === undefined) return reserved;
  const allowed = Math.min(maxUsed ?? total, total - Math.max(0, (minFree ?? 0) - free));
  return Math.max(allowed, reserved ?? 0, 0);
}

export interface PrunedBuilder {
  readonly ids: readonly string[];
  /** Bytes. */
  readonly size: number;
}

function totalOf(items: readonly BuilderItem[]): number {
  return items.reduce((sum, { size }) => sum + size, 0);
}

/** The longest unused first; of what was used together, the top of a stack first. */
function inOrder(left: BuilderItem, right: BuilderItem): number {
  return left.lastUsed - right.lastUsed || right.depth - left.depth;
}

function chosen(
  items: readonly BuilderItem[],
  { all, until, keep }: PruneBuilderOptions & { readonly keep: number | undefined },
): readonly BuilderItem[] {
  const candidates = items
    .filter(
      ({ inUse, shared, lastUsed }) =>
        !inUse && (all || !shared) && lastUsed <= (until ?? Number.POSITIVE_INFINITY),
    )
    .sort(inOrder);
  if (keep === undefined) return candidates;
  let total = totalOf(items);
  const some: BuilderItem[] = [];
  for (const item of candidates) {
    if (total <= keep) break;
    some.push(item);
    total -= item.size;
  }
  return some;
}

/**
 * Frees what builds keep for the next ones. What a build that runs has leased stays; and so does a snapshot while another
 * stands on it, which is why a limit may take a second round.
 */
export async function pruneBuilder(
  roots: Roots,
  store: LayoutStore,
  options: PruneBuilderOptions,
): Promise<PrunedBuilder> {
  await new BuildCache(buildCacheRoot(roots)).sweepClaims();
  const ids: string[] = [];
  let size = 0;
  let keep: number | undefined;
  for (let round = 1; ; round++) {
    throwIfAborted(options.signal);
    const items = await measureBuilder(roots, store);
    if (round === 1) keep = bytesToKeep(options.limits ?? {}, await spaceOf(roots, items));
    const going = chosen(items, { ...options, keep });
    if (going.length === 0) return { ids, size };
    for (const item of going) {
      const freed = await removeItem(buildCacheRoot(roots), item);
      if (freed === undefined) continue;
      size += freed;
      ids.push(item.id);
    }
    const staying = items.filter(item => !going.includes(item)).flatMap(({ chains }) => chains);
    const needed = await neededSnapshots(store);
    for (const chain of staying) needed.add(chain);
    size += await pruneSnapshots(await openSnapshots(roots), needed);
    size += (await collectUnused(roots, store)).size;
    if (keep === undefined) return { ids, size };
    if (totalOf(await measureBuilder(roots, store)) >= totalOf(items)) return { ids, size };
  }
}

async function spaceOf({ root }: Roots, items: readonly BuilderItem[]) {
  const { bavail, bsize } = await statfs(root);
  return { total: totalOf(items), free: bavail * bsize };
}

/** @returns bytes that went at once, apart from layers and snapshots; undefined for what is in use */
async function removeItem(root: string, item: BuilderItem): Promise<number | undefined> {
  if (item.type === 'cache mount') return removeCacheMount(join(root, 'mounts'), item.id);
  if (item.type === 'step') {
    const cache = new BuildCache(root);
    for (const key of item.keys) await cache.forget(key);
    return 0;
  }
  if (item.type === 'snapshot') return 0;
  await rm(join(root, item.type), { recursive: true, force: true });
  return item.size;
}
