import { statSync } from 'node:fs';
import { join } from 'node:path';
import { BuildCache, type ListedRecord } from '../builder/cache/build-cache.ts';
import { listCacheMounts } from '../builder/execute/mounts/cache-mounts.ts';
import type { LayoutStore } from '../content/store.ts';
import { walkImage } from '../content/walk-image.ts';
import { extendChainID } from '../image/chain-id.ts';
import type { Digest } from '../image/digest.ts';
import { diskUsage } from '../layers/snapshot-folders.ts';
import type { SnapshotUsage } from '../layers/snapshotter.ts';
import { groupBy } from '../util/group-by.ts';
import type { Roots } from '../util/roots.ts';
import { openSnapshots } from './prepare-image.ts';
import { neededSnapshots } from './prune-images.ts';

/** Something that builds keep for the next ones. */
export interface BuilderItem {
  readonly id: string;
  readonly type: 'step' | 'snapshot' | 'cache mount' | 'downloads' | 'git';
  readonly description: string;
  /** Bytes on the disk that are there for builds alone: of a layer that an image has too, none. */
  readonly size: number;
  /** An image has the layer. */
  readonly shared: boolean;
  /** A build or a container works with it. */
  readonly inUse: boolean;
  /** Milliseconds since 1970; of a step also that of those that stand on it. */
  readonly lastUsed: number;
  /** Number of steps below. */
  readonly depth: number;
  /** Of a step. */
  readonly keys: readonly Digest[];
  /** Snapshots that stay with it. */
  readonly chains: readonly Digest[];
}

export function buildCacheRoot(roots: Roots): string {
  return join(roots.root, 'build-cache');
}

/** All that builds keep, each byte counted once. */
export async function measureBuilder(roots: Roots, store: LayoutStore): Promise<readonly BuilderItem[]> {
  const root = buildCacheRoot(roots);
  const leases = await store.leases.list();
  const needed = await neededSnapshots(store);
  const snapshots = new Map<Digest, SnapshotUsage>();
  for (const snapshot of await (await openSnapshots(roots)).list()) {
    if (!needed.has(snapshot.chainID)) snapshots.set(snapshot.chainID, snapshot);
  }
  const working = withActive([...snapshots.values()]);
  const steps = await measureSteps(await new BuildCache(root).list(), {
    store,
    snapshots,
    working,
    leased: new Set(leases.flatMap(({ digests }) => digests)),
    imageBlobs: await blobsOfImages(store),
  });
  const known = new Set(steps.flatMap(({ chains }) => chains));
  const others = [...snapshots.values()]
    .filter(({ chainID }) => !known.has(chainID))
    .map(snapshot => itemOfSnapshot(snapshot, working.has(snapshot.chainID)));
  const building = leases.some(({ owner }) => owner === 'build');
  return [...steps, ...others, ...(await measureMounts(root)), ...measureFolders(root, building)];
}

/** Those with more users than the snapshots on them. */
function withActive(snapshots: readonly SnapshotUsage[]): ReadonlySet<Digest> {
  const children = groupBy(snapshots, ({ parent }) => parent);
  const active = snapshots.filter(({ chainID, users }) => users > (children.get(chainID)?.length ?? 0));
  return new Set(active.map(({ chainID }) => chainID));
}

async function blobsOfImages(store: LayoutStore): Promise<ReadonlySet<Digest>> {
  const seen = new Set<Digest>();
  for (const { descriptor } of await store.references.list()) {
    for await (const { digest } of walkImage(store, descriptor, seen)) seen.add(digest);
  }
  return seen;
}

interface StepSurroundings {
  readonly store: LayoutStore;
  /** Those that no image needs. */
  readonly snapshots: ReadonlyMap<Digest, SnapshotUsage>;
  /** Snapshots that something stands on which is being changed or run. */
  readonly working: ReadonlySet<Digest>;
  readonly leased: ReadonlySet<Digest>;
  readonly imageBlobs: ReadonlySet<Digest>;
}

/** One item for each layer, whatever number of keys it has. */
async function measureSteps(
  records: readonly ListedRecord[],
  around: StepSurroundings,
): Promise<readonly BuilderItem[]> {
  const order = new StepOrder(records);
  const groups = groupBy(records, ({ record }) => record.descriptor.digest);
  const items: BuilderItem[] = [];
  const counted = new Set<Digest>();
  for (const [digest, group] of groups) {
    const shared = around.imageBlobs.has(digest);
    let size = shared ? 0 : ((await around.store.stat(digest))?.size ?? 0);
    const chains = [...new Set(group.map(chainOf))];
    for (const chain of chains) {
      if (!counted.has(chain)) size += around.snapshots.get(chain)?.size ?? 0;
      counted.add(chain);
    }
    const latest = group.reduce((one, other) => (other.lastUsed > one.lastUsed ? other : one));
    items.push({
      id: digest.slice(7, 19),
      type: 'step',
      description: latest.record.step,
      size,
      shared,
      inUse: around.leased.has(digest) || chains.some(chain => around.working.has(chain)),
      lastUsed: Math.max(...chains.map(chain => order.lastUsed(chain))),
      depth: Math.max(...chains.map(chain => order.depth(chain))),
      keys: group.map(({ key }) => key),
      chains,
    });
  }
  return items;
}

function chainOf({ record }: ListedRecord): Digest {
  return extendChainID(record.parent, record.diffID);
}

/**
 * A step is of no use without those below it: who takes away what was not used for long takes the top of a stack first, and
 * what stands below counts as used when its top was.
 */
class StepOrder {
  readonly #byChain: ReadonlyMap<Digest, readonly ListedRecord[]>;
  readonly #byParent: ReadonlyMap<Digest | undefined, readonly ListedRecord[]>;
  readonly #used = new Map<Digest, number>();

  constructor(records: readonly ListedRecord[]) {
    this.#byChain = groupBy(records, chainOf);
    this.#byParent = groupBy(records, ({ record }) => record.parent);
  }

  lastUsed(chain: Digest): number {
    const known = this.#used.get(chain);
    if (known !== undefined) return known;
    const own = Math.max(0, ...(this.#byChain.get(chain) ?? []).map(({ lastUsed }) => lastUsed));
    const above = (this.#byParent.get(chain) ?? []).map(record => this.lastUsed(chainOf(record)));
    const used = Math.max(own, ...above);
    this.#used.set(chain, used);
    return used;
  }

  depth(chain: Digest): number {
    let depth = 0;
    for (let at: Digest | undefined = chain; at !== undefined && this.#byChain.has(at); depth++) {
      at = this.#byChain.get(at)?.[0]?.record.parent;
    }
    return depth;
  }
}

function itemOfSnapshot({ chainID, size, created }: SnapshotUsage, inUse: boolean): BuilderItem {
  const description = 'unpacked files of an image or a step that is gone';
  const common = { shared: false, lastUsed: Date.parse(created), depth: 0, keys: [], chains: [chainID] };
  return { id: chainID.slice(7, 19), type: 'snapshot', description, size, inUse, ...common };
}

async function measureMounts(root: string): Promise<readonly BuilderItem[]> {
  const mounts = await listCacheMounts(join(root, 'mounts'));
  return mounts.map(({ name, size, changed }) => ({
    id: name,
    type: 'cache mount',
    description: 'RUN --mount=type=cache',
    size,
    shared: false,
    inUse: false, // its lock tells when it is to be removed
    lastUsed: changed,
    depth: 0,
    keys: [],
    chains: [],
  }));
}

/** Of these each is one item: a build that runs may be reading any part of it. */
function measureFolders(root: string, building: boolean): readonly BuilderItem[] {
  const parts = [
    ['downloads', 'what ADD and contexts fetched'],
    ['git', 'repositories of contexts and ADD'],
  ] as const;
  return parts.flatMap(([type, description]) => {
    const info = statSync(join(root, type), { throwIfNoEntry: false });
    if (info === undefined) return [];
    const size = diskUsage(join(root, type));
    const common = { shared: false, lastUsed: info.mtimeMs, depth: 0, keys: [], chains: [] };
    return [{ id: type, type, description, size, inUse: building, ...common }];
  });
}
