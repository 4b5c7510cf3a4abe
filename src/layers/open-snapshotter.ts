import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { systemErrorCode } from '../errors/hawser-error.ts';
import { digestOf } from '../image/digest.ts';
import { writeFileAtomic } from '../util/atomic-file.ts';
import { ownPrivileges } from '../util/user-namespace.ts';
import { copyBackend } from './copy-snapshotter.ts';
import { FolderSnapshotter } from './folder-snapshotter.ts';
import { type FsOps, fsOps } from './fs-ops.ts';
import { canMountOverlay, overlayBackend } from './overlay-snapshotter.ts';
import { settleUnsynced } from './snapshot-durability.ts';
import { SnapshotFolders } from './snapshot-folders.ts';
import type { SnapshotCatalog, Snapshotter, SnapshotterKind } from './snapshotter.ts';

export interface OpenSnapshotterOptions {
  /** `$HAWSER_ROOT/snapshots` */
  readonly root: string;
  /** `$HAWSER_RUN` */
  readonly run: string;
  /** Default `auto`: overlays where they can be mounted. */
  readonly kind?: 'auto' | SnapshotterKind;
  readonly ops?: FsOps;
}

/** Tries once for each root, boot and set of privileges: the answer stays in $HAWSER_RUN. */
async function probeKind(options: OpenSnapshotterOptions, ops: FsOps): Promise<SnapshotterKind> {
  const root = resolve(options.root);
  const memo = join(options.run, `snapshotter-${digestOf(root + ownPrivileges()).slice(7, 15)}`);
  try {
    const known = readFileSync(memo, 'utf8');
    if (known === 'overlay' || known === 'copy') return known;
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
  mkdirSync(root, { recursive: true });
  const kind = canMountOverlay(ops, root) ? 'overlay' : 'copy';
  await writeFileAtomic(memo, kind, { durable: false });
  return kind;
}

/** Unmounts and removes what processes left that are gone. Two readdirs where there is nothing. */
async function sweep(folders: SnapshotFolders, ops: FsOps): Promise<void> {
  const { mountPoints, folders: left } = folders.stale();
  for (const mountPoint of mountPoints) {
    while (ops.unmount(mountPoint));
    try {
      rmdirSync(mountPoint);
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
    }
  }
  for (const folder of left) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}

/**
 * The snapshotter of a root. Opening removes what processes left that are gone, and never touches what living ones or
 * lasting owners have.
 */
export async function openSnapshotter(
  options: OpenSnapshotterOptions,
): Promise<Snapshotter & SnapshotCatalog> {
  const ops = options.ops ?? fsOps;
  const kind =
    options.kind === undefined || options.kind === 'auto' ? await probeKind(options, ops) : options.kind;
  const folders = new SnapshotFolders(join(resolve(options.root), kind), resolve(options.run));
  await sweep(folders, ops);
  await settleUnsynced(folders);
  const backend = kind === 'overlay' ? overlayBackend(ops) : copyBackend(ops);
  return new FolderSnapshotter({ ops, folders, backend });
}
