import { closeSync, constants, existsSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { HawserError, isHawserError } from '../errors/hawser-error.ts';
import { isInUserNamespace } from '../util/user-namespace.ts';
import type { FsOps } from './fs-ops.ts';

/** In a user namespace overlayfs keeps its marks in attributes that users may set. Linux 5.11. */
export function opaqueAttribute(): string {
  return isInUserNamespace() ? 'user.overlay.opaque' : 'trusted.overlay.opaque';
}

/** mount(2) copies one page of options, its last byte being the NUL. */
const PAGE = 4095;

export interface OverlayFolders {
  /** The nearest parent first; at least one. */
  readonly lowers: readonly string[];
  readonly upper: string;
  readonly work: string;
}

export interface OverlayOptions {
  /** Skips every flush of the upper folder: for trees that are dropped after a crash anyway. Linux 5.10. */
  readonly volatile?: boolean;
}

/** Colons and commas part options, and a backslash quotes; Documentation/filesystems/overlayfs.rst */
function escapeFolder(path: string): string {
  return path.replace(/[\\:,]/g, '\\$&');
}

/*
 * redirect_dir and metacopy would leave renamed folders and changed metadata without their content in the upper folder,
 * and an index would tie hard links of a lower folder together: the upper folder must be the whole difference, and every
 * name a file of its own once it is written (research: traps 56, 62).
 */
function optionText(folders: OverlayFolders, lowers: readonly string[], options: OverlayOptions): string {
  const parts = [
    `lowerdir=${lowers.join(':')}`,
    `upperdir=${escapeFolder(folders.upper)}`,
    `workdir=${escapeFolder(folders.work)}`,
    'index=off',
    // It implies that nothing is redirected, and refuses to hear it twice.
    ...(isInUserNamespace() ? ['userxattr'] : ['metacopy=off', 'redirect_dir=off']),
  ];
  if (options.volatile === true) parts.push('volatile');
  return parts.join(',');
}

/** Runs `work` with a short path for each folder: a page of options holds about 210 of them. */
function withShortPaths(folders: readonly string[], work: (paths: readonly string[]) => void): void {
  const descriptors: number[] = [];
  try {
    for (const folder of folders) {
      descriptors.push(openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY));
    }
    work(descriptors.map(descriptor => `/proc/self/fd/${descriptor}`));
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor);
  }
}

function mountOnce(ops: FsOps, target: string, folders: OverlayFolders, options: OverlayOptions): void {
  const plain = optionText(folders, folders.lowers.map(escapeFolder), options);
  if (Buffer.byteLength(plain) <= PAGE) {
    ops.mount('overlay', target, { type: 'overlay', data: plain });
    return;
  }
  withShortPaths(folders.lowers, paths => {
    const data = optionText(folders, paths, options);
    if (Buffer.byteLength(data) > PAGE) {
      throw new HawserError(
        'MOUNT_FAILED',
        `mount ${JSON.stringify(target)}: ${folders.lowers.length} layers are more than an overlay takes`,
        { remedy: 'Merge some layers, e.g. with hawser image merge.' },
      );
    }
    ops.mount('overlay', target, { type: 'overlay', data });
  });
}

/**
 * Mounts an overlay, afresh: the work folder is emptied first, since a volatile mount leaves a mark there that forbids
 * another.
 *
 * @throws HawserError MOUNT_FAILED
 */
export function mountOverlay(
  ops: FsOps,
  target: string,
  folders: OverlayFolders,
  options: OverlayOptions = {},
): void {
  if (existsSync(`${folders.work}/work`)) rmSync(folders.work, { recursive: true, force: true });
  mkdirSync(folders.work, { recursive: true });
  try {
    mountOnce(ops, target, folders, options);
  } catch (error) {
    // An older kernel does not know `volatile`, which only saves time.
    if (options.volatile !== true || !isHawserError(error, 'MOUNT_FAILED')) throw error;
    mountOnce(ops, target, folders, { ...options, volatile: false });
  }
}
