import {
  type BigIntStats,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { systemErrorCode } from '../errors/hawser-error.ts';
import { fsOps } from '../layers/fs-ops.ts';
import { resolveInRootfs } from './rootfs-path.ts';

/** A place that must exist for something to be mounted on it. */
export interface MountTarget {
  readonly path: string;
  readonly kind: 'file' | 'folder';
}

interface Stub extends MountTarget {
  /** The time of the parent before the stub, and after it. */
  readonly before: bigint;
  readonly after: bigint;
}

const second = 1_000_000_000n;

function statOf(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true });
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function setModified(path: string, time: bigint): void {
  const remainder = time % second;
  const nanoseconds = remainder < 0n ? remainder + second : remainder;
  fsOps.utimensat(path, { seconds: Number((time - nanoseconds) / second), nanoseconds: Number(nanoseconds) });
}

/**
 * The places that mounts of a step need and the image lacks. They are made here, before the runtime would, and taken
 * away after the step, so that they never reach the layer; each folder around them gets back the time that it had, or
 * the one that the step gave it (buildkit#3148).
 */
export class MountStubs {
  readonly #stubs: Stub[] = [];

  /** @param targets absolute paths of the rootfs */
  constructor(rootfs: string, targets: readonly MountTarget[]) {
    for (const target of targets)
      this.#make({ ...target, path: resolveInRootfs(rootfs, target.path) }, rootfs);
  }

  #make(target: MountTarget, rootfs: string): void {
    if (statOf(target.path) !== undefined) return;
    const parent = dirname(target.path);
    if (target.path !== rootfs) this.#make({ path: parent, kind: 'folder' }, rootfs);
    const before = statOf(parent)?.mtimeNs ?? 0n;
    if (target.kind === 'folder') mkdirSync(target.path, { mode: 0o755 });
    else writeFileSync(target.path, '', { mode: 0o644 });
    this.#stubs.push({ ...target, before, after: statOf(parent)?.mtimeNs ?? 0n });
  }

  /** Removes what is still empty; what the step filled is its own. */
  remove(): void {
    for (const stub of this.#stubs.toReversed()) {
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
  if (stub.kind === 'folder') {
    if (!stat.isDirectory() || readdirSync(stub.path).length > 0) return false;
    rmdirSync(stub.path);
    return true;
  }
  if (!stat.isFile() || stat.size > 0n) return false;
  unlinkSync(stub.path);
  return true;
}
