import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LayoutStore } from '../content/store.ts';
import { isHawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { diskUsage } from '../layers/snapshot-folders.ts';
import { stateOf } from '../runtime/container-state.ts';
import { containerFolder, readRecords } from '../runtime/container-store.ts';
import { removeContainer } from '../runtime/remove-container.ts';
import { listVolumes, removeVolume, volumeData } from '../runtime/volumes.ts';
import type { Roots } from '../util/roots.ts';
import { usedVolumes } from './disk-usage.ts';
import { openContainers } from './open-containers.ts';
import { pruneImages } from './prune-images.ts';

export interface PruneSystemOptions {
  /** Every image that no container uses, and the build cache. */
  readonly all: boolean;
  /** Anonymous volumes that no container has; with `all`, named ones too. */
  readonly volumes: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface PrunedSystem {
  readonly containers: readonly string[];
  readonly volumes: readonly string[];
  readonly images: readonly string[];
  /** Bytes. */
  readonly size: number;
}

/** Frees what nothing needs, in the order in which one thing keeps another: containers, volumes, images. */
export async function pruneSystem(
  roots: Roots,
  store: LayoutStore,
  options: PruneSystemOptions,
): Promise<PrunedSystem> {
  const containers = await pruneContainers(roots);
  const volumes = options.volumes ? pruneVolumes(roots, options.all) : { names: [], size: 0 };
  const images = await pruneImages(roots, store, {
    all: options.all,
    buildCache: options.all,
    signal: options.signal,
  });
  const quarantine = join(roots.root, 'images-state', 'quarantine');
  const setAside = sizeOf(quarantine);
  await rm(quarantine, { recursive: true, force: true });
  return {
    containers: containers.names,
    volumes: volumes.names,
    images: images.lines,
    size: containers.size + volumes.size + images.size + setAside,
  };
}

interface Removed {
  readonly names: readonly string[];
  readonly size: number;
}

/** Those that have ended. One that was created and waits for its start may be about to run, and stays. */
async function pruneContainers(roots: Roots): Promise<Removed> {
  const ended = readRecords(roots).filter(
    ({ id, kind }) => kind === 'container' && stateOf(roots, id).status === 'exited',
  );
  if (ended.length === 0) return { names: [], size: 0 };
  const engine = await openContainers(roots);
  const names: string[] = [];
  let size = 0;
  for (const { id } of ended) {
    const bytes =
      sizeOf(containerFolder(roots, id)) + sizeOf(writableLayer(roots, engine.snapshotter.kind, id));
    try {
      if (!(await removeContainer(engine, id))) continue;
    } catch (error) {
      if (isHawserError(error, 'CONFLICT')) continue; // it was started meanwhile
      throw error;
    }
    names.push(id);
    size += bytes;
  }
  return { names, size };
}

function writableLayer(roots: Roots, kind: string, id: string): string {
  return join(roots.root, 'snapshots', kind, 'active', `keep~container-${id}`, 'fs');
}

function pruneVolumes(roots: Roots, named: boolean): Removed {
  const used = usedVolumes(roots);
  const names: string[] = [];
  let size = 0;
  for (const { name, anonymous, created } of listVolumes(roots)) {
    if (used.has(name) || (!anonymous && !named)) continue;
    // A container has its volumes before its record.
    if (Date.now() - Date.parse(created) < CREATE_TIME) continue;
    const bytes = sizeOf(volumeData(roots, name));
    if (!removeVolume(roots, name)) continue;
    names.push(name);
    size += bytes;
  }
  return { names, size };
}

/** Milliseconds in which a create may be between its volumes and its record. */
const CREATE_TIME = 10_000;

function sizeOf(folder: string): number {
  try {
    return diskUsage(folder);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return 0;
    throw error;
  }
}
