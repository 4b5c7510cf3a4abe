import {
  type BigIntStats,
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { systemErrorCode } from '../errors/hawser-error.ts';
import { setModified } from './folder-times.ts';
import { isStillInside, resolveInRootfs } from './rootfs-path.ts';

/** A place that must exist for something to be mounted on it. */
export interface MountTarget {
  readonly path: string;
  /** A tmpfs takes the mode of the folder that it covers: a new one is for all, as /tmp. */
  readonly kind: 'file' | 'folder' | 'tmpfs';
}

interface Stub extends MountTarget {
  /** The time of the parent before the stub, and after it. */
  readonly before: bigint;
  readonly after: bigint;
}

function statOf(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true });
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * The places that mounts of a step need and the image lacks. They are made here, before the runtime would, and taken
 * away after the step, so that they never reach the layer; each folder around them gets back the time that it had, or
 * the one that the step gave it (buildkit#3148).
 */
export class MountStubs {
  readonly #rootfs: string;
  readonly #stubs: Stub[] = [];

  /** @param targets absolute paths of the rootfs */
  constructor(rootfs: string, targets: readonly MountTarget[]) {
    this.#rootfs = rootfs;
    for (const target of targets) this.#make({ ...target, path: resolveInRootfs(rootfs, target.path) });
  }

  #make(target: MountTarget): void {
    if (statOf(target.path) !== undefined) return;
    const parent = dirname(target.path);
    if (target.path !== this.#rootfs) this.#make({ path: parent, kind: 'folder' });
    const before = statOf(parent)?.mtimeNs ?? 0n;
    if (target.kind === 'file') writeFileSync(target.path, '', { mode: 0o644 });
    else mkdirSync(target.path);
    if (target.kind === 'tmpfs') chmodSync(target.path, 0o1777);
    if (target.kind === 'folder') chmodSync(target.path, 0o755);
    this.#stubs.push({ ...target, before, after: statOf(parent)?.mtimeNs ?? 0n });
  }

  /** Removes what is still empty and where it was; what the step filled or moved is its own. */
  remove(): void {
    for (const stub of this.#stubs.toReversed()) {
      if (!isStillInside(this.#rootfs, stub.path)) continue;
      const parent = dirname(stub.path);
      const modified = statOf(parent)?.mtimeNs;
      if (modified === undefined || !removeIfEmpty(stub)) continue;
      setModified(parent, modified === stub.after ? stub.before : modified);
    }
  }
}

function removeIfEmpty(stub: Stub): boolean {
  const stat = statOf(stub.path);
  if (stat === undefined) return false;
  if (stub.kind !== 'file') {
    if (!stat.isDirectory() || readdirSync(stub.path).length > 0) return false;
    rmdirSync(stub.path);
    return true;
  }
  if (!stat.isFile() || stat.size > 0n) return false;
  unlinkSync(stub.path);
  return true;
}
