import { join } from 'node:path';
import { isUntaggedName, loadImage } from '../content/resolve-image.ts';
import type { LayoutStore } from '../content/store.ts';
import { walkImage } from '../content/walk-image.ts';
import { isHawserError, systemErrorCode } from '../errors/hawser-error.ts';
import type { Digest } from '../image/digest.ts';
import { familiarReference, parseReference } from '../image/reference.ts';
import { diskUsage } from '../layers/snapshot-folders.ts';
import { listContainers } from '../runtime/container-state.ts';
import { containerFolder, readRecords, snapshotKeyOf } from '../runtime/container-store.ts';
import { listVolumes, volumeData } from '../runtime/volumes.ts';
import type { Roots } from '../util/roots.ts';
import { openSnapshots } from './prepare-image.ts';
import { neededSnapshots } from './prune-images.ts';

/** A line of `system df`, with Docker's field names. */
export interface UsageRow {
  readonly Type: string;
  readonly TotalCount: number;
  readonly Active: number;
  /** Bytes on the disk. */
  readonly Size: number;
  /** Bytes that `system prune -a --volumes` would free. */
  readonly Reclaimable: number;
}

/** A line of `system df -v`. */
export interface UsageItem {
  readonly name: string;
  readonly size: number;
  readonly inUse: boolean;
}

export interface UsageGroup {
  readonly type: string;
  readonly items: readonly UsageItem[];
  /** Where the whole is not the sum of its items, since they share content. */
  readonly size?: number;
  readonly reclaimable?: number;
}

function sum(items: readonly UsageItem[]): number {
  return items.reduce((total, { size }) => total + size, 0);
}

export function rowOfGroup({ type, items, size, reclaimable }: UsageGroup): UsageRow {
  return {
    Type: type,
    TotalCount: items.length,
    Active: items.filter(({ inUse }) => inUse).length,
    Size: size ?? sum(items),
    Reclaimable: reclaimable ?? sum(items.filter(({ inUse }) => !inUse)),
  };
}

/** Where the space below the roots goes. Blobs that only the build cache keeps count there. */
export async function measureUsage(roots: Roots, store: LayoutStore): Promise<readonly UsageGroup[]> {
  return [
    await measureImages(roots, store),
    await measureContainers(roots),
    measureVolumes(roots),
    await measureSnapshots(roots, store),
    await measureBuildCache(roots, store),
  ];
}

async function measureImages(roots: Roots, store: LayoutStore): Promise<UsageGroup> {
  const usedIDs = new Set(readRecords(roots).map(({ image }) => image.id));
  const reached = new Map<Digest, { size: number; inUse: boolean }>();
  const items: UsageItem[] = [];
  for (const named of await store.references.list()) {
    const id = await imageIDOf(store, named);
    const inUse = id !== undefined && usedIDs.has(id);
    let size = 0;
    for await (const { digest } of walkImage(store, named.descriptor)) {
      const info = await store.stat(digest);
      if (info === undefined) continue;
      size += info.size;
      const before = reached.get(digest);
      reached.set(digest, { size: info.size, inUse: inUse || before?.inUse === true });
    }
    const name = isUntaggedName(named.name) ? named.name : familiarReference(parseReference(named.name));
    items.push({ name, size, inUse });
  }
  const blobs = [...reached.values()];
  const total = (some: readonly { readonly size: number }[]) =>
    some.reduce((bytes, blob) => bytes + blob.size, 0);
  return {
    type: 'Images',
    items,
    size: total(blobs),
    reclaimable: total(blobs.filter(({ inUse }) => !inUse)),
  };
}

async function imageIDOf(
  store: LayoutStore,
  named: Parameters<typeof loadImage>[1],
): Promise<Digest | undefined> {
  try {
    return (await loadImage(store, named)).config.digest;
  } catch (error) {
    // Of another platform, or damaged: no container of ours is made from it.
    if (isHawserError(error)) return undefined;
    throw error;
  }
}

async function measureContainers(roots: Roots): Promise<UsageGroup> {
  const kinds = ['overlay', 'copy'];
  const items = listContainers(roots)
    .filter(({ record }) => record.kind === 'container')
    .map(({ record: { id, name }, state }) => {
      const layers = kinds.map(kind =>
        join(roots.root, 'snapshots', kind, 'active', `keep~${snapshotKeyOf(id)}`, 'fs'),
      );
      const size = [containerFolder(roots, id), ...layers].reduce((bytes, path) => bytes + usageOf(path), 0);
      return { name, size, inUse: state.status === 'running' };
    });
  return { type: 'Containers', items };
}

/** 0 for what is not there, or went while it was measured. */
function usageOf(folder: string): number {
  try {
    return diskUsage(folder);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return 0;
    throw error;
  }
}

/** Names of the volumes that a container has. */
export function usedVolumes(roots: Roots): ReadonlySet<string> {
  return new Set(
    readRecords(roots).flatMap(({ mounts }) =>
      mounts.flatMap(mount => (mount.type === 'volume' && mount.name !== undefined ? [mount.name] : [])),
    ),
  );
}

function measureVolumes(roots: Roots): UsageGroup {
  const used = usedVolumes(roots);
  const items = listVolumes(roots).map(({ name }) => ({
    name,
    size: usageOf(volumeData(roots, name)),
    inUse: used.has(name),
  }));
  return { type: 'Local Volumes', items };
}

/** Those of images; the others are what builds left, and count there. */
async function measureSnapshots(roots: Roots, store: LayoutStore): Promise<UsageGroup> {
  const needed = await neededSnapshots(store);
  const items = (await (await openSnapshots(roots)).list())
    .filter(({ chainID }) => needed.has(chainID))
    .map(({ chainID, size }) => ({ name: chainID, size, inUse: true }));
  return { type: 'Snapshots', items };
}

/** As `builder du` has it; the result of a step is in use where an image has its layer. */
async function measureBuildCache(roots: Roots, store: LayoutStore): Promise<UsageGroup> {
  const { measureBuilder } = await import('./builder-usage.ts');
  const items = (await measureBuilder(roots, store)).map(({ id, description, size, shared, inUse }) => ({
    name: `${id} ${description}`,
    size,
    inUse: inUse || (shared && size === 0),
  }));
  return { type: 'Build Cache', items };
}
