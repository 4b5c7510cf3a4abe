import { chmodSync, linkSync, lstatSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { copyMetadata, copyTree } from '../layers/copy-tree.ts';
import { fsOps } from '../layers/fs-ops.ts';
import { modifiedOf, setModified } from './folder-times.ts';
import { linkTree, partTree } from './linked-tree.ts';
import { PlacedFile } from './placed-file.ts';
import { isStillInside, resolveInRootfs } from './rootfs-path.ts';
import type { PathMount } from './step-bundles.ts';

/** What lies in a rootfs in place of a mount. */
interface Placed {
  readonly mount: PathMount;
  readonly path: string;
  /** Where that lies which was there before; undefined inside another mount. */
  readonly aside: string | undefined;
  readonly file: PlacedFile;
  /** The time of the parent before the change, and after it. */
  readonly before: bigint;
  readonly after: bigint;
}

/**
 * The mounts of a step where nothing can be mounted: copies that lie in the rootfs itself while it runs. What was there is
 * moved beside the rootfs meanwhile, where a crash leaves it to whoever sweeps the snapshot. What may be written, a cache,
 * is shown by hard links and takes the place of its source afterwards: docs/decisions/0026-isolation-without-privileges.md
 */
export class PlainMounts {
  readonly #rootfs: string;
  readonly #placed: Placed[] = [];

  /** @param mounts Outer ones first; those outside of others have their place in the rootfs (`MountStubs`). */
  constructor(rootfs: string, mounts: readonly PathMount[]) {
    this.#rootfs = rootfs;
    try {
      for (const mount of mounts) this.#place(mount);
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  #place(mount: PathMount): void {
    const path = resolveInRootfs(this.#rootfs, mount.target);
    if (path === this.#rootfs) {
      throw new HawserError('UNSUPPORTED', `RUN with --mount: nothing can be mounted on / here`, {
        remedy: 'Give the mount another target, or run hawser with CAP_SYS_ADMIN.',
      });
    }
    mkdirSync(dirname(path), { recursive: true });
    const before = modifiedOf(dirname(path));
    const covered = lstatSync(path, { throwIfNoEntry: false });
    const aside =
      covered === undefined ? undefined : join(dirname(this.#rootfs), `.aside-${this.#placed.length}`);
    if (aside !== undefined) renameSync(path, aside);
    try {
      fill(mount, path, { mode: covered === undefined ? 0o1777 : covered.mode & 0o7777 });
      const after = modifiedOf(dirname(path));
      this.#placed.push({ mount, path, aside, file: new PlacedFile(path), before, after });
    } catch (error) {
      rmSync(path, { recursive: true, force: true });
      if (aside !== undefined) renameSync(aside, path);
      throw error;
    }
  }

  /**
   * Takes all away, and puts back what was there.
   *
   * @throws HawserError UNSUPPORTED for what the step moved or linked elsewhere: it must not get into the layer
   */
  remove(): void {
    const moved: string[] = [];
    for (const placed of this.#placed.splice(0).toReversed()) {
      if (!this.#takeAway(placed)) moved.push(placed.mount.target);
    }
    if (moved.length === 0) return;
    throw new HawserError('UNSUPPORTED', `RUN moved or linked ${moved.join(', ')}, which is a mount`, {
      remedy: 'Copy what it needs of the mount instead.',
    });
  }

  #takeAway({ mount, path, aside, file, before, after }: Placed): boolean {
    const isThere = isStillInside(this.#rootfs, path) && file.isAt(path);
    const isGone = file.close();
    if (!isThere) {
      if (aside !== undefined) rmSync(aside, { recursive: true, force: true });
      return isGone;
    }
    const parent = dirname(path);
    const modified = modifiedOf(parent);
    if (isWritten(mount)) takePlaceOf(mount.source, { path, old: join(dirname(this.#rootfs), '.old') });
    else rmSync(path, { recursive: true });
    if (aside !== undefined) renameSync(aside, path);
    setModified(parent, modified === after ? before : modified);
    return isGone || mount.type !== 'bind' || mount.isFolder || !file.hasOtherNames;
  }
}

/** Whether what the step writes there is for others too. */
export function isWritten(
  mount: PathMount,
): mount is PathMount & { readonly type: 'bind'; readonly readOnly?: false } {
  return mount.type === 'bind' && mount.isFolder && mount.readOnly !== true;
}

function fill(mount: PathMount, path: string, covered: { readonly mode: number }): void {
  if (mount.type === 'tmpfs') {
    mkdirSync(path);
    chmodSync(path, covered.mode);
    return;
  }
  const [source, target] = [Buffer.from(mount.source), Buffer.from(path)];
  if (isWritten(mount)) {
    linkTree(mount.source, path);
  } else if (mount.isFolder) {
    mkdirSync(path);
    copyTree(fsOps, source, target);
  } else if (lstatSync(mount.source).isSocket()) {
    linkSocket(mount.source, path);
  } else {
    fsOps.copyFile(source, target);
    copyMetadata(fsOps, source, target);
  }
}

function linkSocket(source: string, path: string): void {
  try {
    linkSync(source, path);
  } catch (error) {
    if (systemErrorCode(error) !== 'EXDEV') throw error;
    throw new HawserError('UNSUPPORTED', 'RUN with --mount=type=ssh: nothing can be mounted here', {
      cause: error,
      remedy: 'Put HAWSER_RUN and HAWSER_ROOT on one file system, or run hawser with CAP_SYS_ADMIN.',
    });
  }
}

/** A crash in between leaves a cache that is empty, or as it was. */
function takePlaceOf(source: string, { path, old }: { readonly path: string; readonly old: string }): void {
  try {
    renameSync(source, old);
  } catch (error) {
    if (systemErrorCode(error) !== 'EXDEV') throw error;
    replaceByCopy(source, path);
    return;
  }
  renameSync(path, source);
  rmSync(old, { recursive: true, force: true });
  partTree(source);
}

function replaceByCopy(source: string, path: string): void {
  const copy = `${source}.new`;
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy);
  copyTree(fsOps, Buffer.from(path), Buffer.from(copy));
  rmSync(source, { recursive: true, force: true });
  renameSync(copy, source);
  rmSync(path, { recursive: true });
}
