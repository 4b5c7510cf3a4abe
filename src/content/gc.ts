import { isHawserError } from '../errors/hawser-error.ts';
import type { Digest } from '../image/digest.ts';
import { manifestSizeLimit } from '../image/manifest.ts';
import { subjectOfTag } from '../image/referrers.ts';
import { throwIfAborted } from '../util/abort.ts';
import { readManifest } from './read-blob.ts';
import type { BlobFiles, BlobInfo, ContentStore, NamedDescriptor } from './store.ts';
import { walkImage } from './walk-image.ts';

export interface CollectOptions {
  /** Roots beside names and leases, e.g. the layers of the build cache; asked under the collectors' lock. */
  readonly keep?: () => Promise<Iterable<Digest>>;
  /** Says what would go, and removes nothing. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface Collected {
  readonly removed: readonly BlobInfo[];
  /** Bytes of `removed`. */
  readonly size: number;
}

/**
 * Removes the blobs that no name, no lease and no root of the caller reaches, and the temporary files of dead processes.
 * It runs under the collectors' lock: docs/content-flow.md says why nothing that is in use can go.
 *
 * @throws HawserError STORE_CORRUPT, MANIFEST_INVALID where a named image cannot be read: then nothing is removed
 */
export async function collectGarbage(
  store: ContentStore & Partial<BlobFiles>,
  options: CollectOptions = {},
): Promise<Collected> {
  return store.leases.exclusively(async () => {
    const { reachable, orphans } = await findReachable(store, options);
    const removed: BlobInfo[] = [];
    for await (const info of store.list()) {
      throwIfAborted(options.signal);
      if (!reachable.has(info.digest)) removed.push(info);
    }
    // Small blobs first: manifests go before their layers, so that a killed collection leaves no manifest with holes.
    removed.sort((left, right) => left.size - right.size);
    if (options.dryRun !== true) {
      for (const name of orphans) await store.references.remove(name);
      for (const { digest } of removed) await store.remove(digest);
      await store.sweepTemporary?.();
    }
    return { removed, size: removed.reduce((sum, info) => sum + info.size, 0) };
  });
}

interface Reachable {
  readonly reachable: ReadonlySet<Digest>;
  /** Referrers tags of what is not reachable. */
  readonly orphans: readonly string[];
}

async function findReachable(store: ContentStore, options: CollectOptions): Promise<Reachable> {
  const seen = new Set<Digest>();
  // Leases before names: who names content and then lets go of its lease is met at one of the two.
  for (const lease of await store.leases.list()) {
    for (const digest of lease.digests) await markDigest(store, digest, seen);
  }
  for (const digest of (await options.keep?.()) ?? []) await markDigest(store, digest, seen);
  for (const { descriptor } of await store.references.list()) {
    for await (const found of walkImage(store, descriptor, seen)) {
      throwIfAborted(options.signal);
      seen.add(found.digest);
    }
  }
  return { reachable: seen, orphans: await markReferrers(store, seen) };
}

/** Marks what refers to something marked, and what refers to that. @returns the tags of all else */
async function markReferrers(store: ContentStore, seen: Set<Digest>): Promise<readonly string[]> {
  let waiting = await store.references.listReferrersTags();
  for (;;) {
    const isLive = ({ name }: NamedDescriptor) => seen.has(subjectOfTag(name) as Digest);
    const live = waiting.filter(isLive);
    waiting = waiting.filter(named => !isLive(named));
    if (live.length === 0) return waiting.map(({ name }) => name);
    for (const { descriptor } of live) {
      for await (const found of walkImage(store, descriptor, seen)) seen.add(found.digest);
    }
  }
}

/** Marks a digest of unknown kind, and what it refers to where it turns out to be a manifest or an index. */
async function markDigest(store: ContentStore, digest: Digest, seen: Set<Digest>): Promise<void> {
  if (seen.has(digest)) return;
  const info = await store.stat(digest);
  if (info === undefined || info.size > manifestSizeLimit || !(await looksLikeJson(store, digest))) {
    seen.add(digest);
    return;
  }
  try {
    const { mediaType } = await readManifest(store, info);
    for await (const found of walkImage(store, { mediaType, ...info }, seen)) seen.add(found.digest);
  } catch (error) {
    // A config, or any other JSON; or a damaged blob, which is for fsck to judge and not for a collector.
    if (!isHawserError(error, 'MANIFEST_INVALID') && !isHawserError(error, 'STORE_CORRUPT')) throw error;
    seen.add(digest);
  }
}

async function looksLikeJson(store: ContentStore, digest: Digest): Promise<boolean> {
  for await (const chunk of store.open(digest, { end: 1 })) return chunk[0] === 0x7b;
  return false;
}
