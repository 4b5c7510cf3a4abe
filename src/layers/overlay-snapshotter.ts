import { mkdirSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isHawserError } from '../errors/hawser-error.ts';
import { ownIdentity } from '../util/process-identity.ts';
import type { MountRequest, SnapshotBackend } from './folder-snapshotter.ts';
import type { FsOps } from './fs-ops.ts';
import { mountOverlay } from './overlay-mount.ts';

/** Snapshots as upper folders of overlayfs: a snapshot's `fs` is what it changed on its parent, as the kernel wrote it. */
export function overlayBackend(ops: FsOps): SnapshotBackend {
  return {
    kind: 'overlay',
    fill() {
      // Nothing: an overlay's upper folder is empty at first.
    },
    lowersToCompare: chain => chain,
    mount(request: MountRequest): string {
      const folders = {
        lowers: request.lowers,
        upper: join(request.folder, 'fs'),
        work: join(request.folder, 'work'),
      };
      mountOverlay(ops, request.mountPoint, folders, { volatile: !request.lasting });
      return request.mountPoint;
    },
  };
}

/** Whether overlays can be mounted on the file system of `root`, and take whiteouts: tries it in a folder of its own. */
export function canMountOverlay(ops: FsOps, root: string): boolean {
  const folder = join(root, `probe-${process.pid}-${ownIdentity().start}`);
  const [lower, upper, merged] = ['lower', 'upper', 'merged'].map(name => join(folder, name)) as [
    string,
    string,
    string,
  ];
  try {
    for (const path of [lower, upper, merged]) mkdirSync(path, { recursive: true });
    writeFileSync(join(lower, 'file'), '');
    mountOverlay(ops, merged, { lowers: [lower], upper, work: join(folder, 'work') }, { volatile: true });
    unlinkSync(join(merged, 'file'));
    return statSync(join(upper, 'file')).isCharacterDevice();
  } catch (error) {
    // Whatever this machine refuses, the copies do without it; a disk that is full is no answer.
    if (isHawserError(error, 'NO_SPACE')) throw error;
    return false;
  } finally {
    ops.unmount(merged);
    rmSync(folder, { recursive: true, force: true });
  }
}
