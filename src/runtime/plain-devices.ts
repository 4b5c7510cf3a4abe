import { chmodSync, chownSync, lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isHawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { fsOps } from '../layers/fs-ops.ts';
import { isStillInside, resolveInRootfs } from './rootfs-path.ts';
import type { PreparedStep } from './run-oci-step.ts';

const characterDevices = {
  null: [1, 3],
  zero: [1, 5],
  full: [1, 7],
  random: [1, 8],
  urandom: [1, 9],
} as const;

/**
 * What a step needs where nothing can be mounted: the resolver's files and a few devices lie in the rootfs itself while
 * it runs, and are as before afterwards, whatever the step did to them.
 */
export class PlainDevices {
  readonly #rootfs: string;
  readonly #restore: (() => void)[] = [];

  constructor(step: Pick<PreparedStep, 'rootfs' | 'resolvConf' | 'hosts'>) {
    this.#rootfs = step.rootfs;
    this.#writeFile(resolveInRootfs(step.rootfs, '/etc/resolv.conf'), step.resolvConf);
    this.#writeFile(resolveInRootfs(step.rootfs, '/etc/hosts'), step.hosts);
    const folder = resolveInRootfs(step.rootfs, '/dev');
    for (const [name, [major, minor]] of Object.entries(characterDevices)) {
      const path = join(folder, name);
      if (exists(path)) continue;
      makeDevice(path, major, minor);
      this.#onRestore(path, () => rmSync(path, { force: true }));
    }
  }

  #writeFile(path: string, content: string): void {
    const before = readFileSync(path);
    const { mtimeNs, mode, uid, gid } = lstatSync(path, { bigint: true });
    writeFileSync(path, content);
    this.#onRestore(path, () => {
      if (lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
        rmSync(path, { recursive: true, force: true });
        writeFileSync(path, '', { flag: 'wx' });
        chownSync(path, Number(uid), Number(gid));
        chmodSync(path, Number(mode & 0o7777n));
      }
      writeFileSync(path, before);
      fsOps.utimensat(path, {
        seconds: Number(mtimeNs / 1_000_000_000n),
        nanoseconds: Number(mtimeNs % 1_000_000_000n),
      });
    });
  }

  /** What the step moved away, or put a link before, is its own, and must not be looked for on the host. */
  #onRestore(path: string, restore: () => void): void {
    this.#restore.push(() => {
      if (isStillInside(this.#rootfs, path) && exists(dirname(path))) restore();
    });
  }

  restore(): void {
    for (const step of this.#restore.toReversed()) step();
  }
}

function exists(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** An empty file where the kernel grants no mknod: `> /dev/null` works all the same. */
function makeDevice(path: string, major: number, minor: number): void {
  try {
    fsOps.mknod(path, { type: 'character-device', mode: 0o666, major, minor });
  } catch (error) {
    if (!isHawserError(error, 'PERMISSION_DENIED')) throw error;
    writeFileSync(path, '', { mode: 0o666 });
  }
}
