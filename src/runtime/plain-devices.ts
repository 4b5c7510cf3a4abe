import { chmodSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isHawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { fsOps } from '../layers/fs-ops.ts';
import { modifiedOf, setModified } from './folder-times.ts';
import { isStillInside, resolveInRootfs } from './rootfs-path.ts';
import type { PathMount } from './step-bundles.ts';

const characterDevices = {
  null: [1, 3],
  zero: [1, 5],
  full: [1, 7],
  random: [1, 8],
  urandom: [1, 9],
  tty: [5, 0],
} as const;

const links = {
  fd: '/proc/self/fd',
  stdin: '/proc/self/fd/0',
  stdout: '/proc/self/fd/1',
  stderr: '/proc/self/fd/2',
} as const;

/** What of /dev a step needs where nothing can be mounted: it lies in the rootfs itself while the step runs. */
export class PlainDevices {
  readonly #rootfs: string;
  readonly #folder: string;
  readonly #made: string[] = [];
  readonly #before: bigint;
  readonly #after: bigint;

  constructor(rootfs: string) {
    this.#rootfs = rootfs;
    this.#folder = resolveInRootfs(rootfs, '/dev');
    this.#before = modifiedOf(this.#folder);
    for (const [name, [major, minor]] of Object.entries(characterDevices)) {
      this.#make(name, path => makeDevice(path, major, minor));
    }
    for (const [name, target] of Object.entries(links)) this.#make(name, path => symlinkSync(target, path));
    this.#make('shm', path => {
      mkdirSync(path);
      chmodSync(path, 0o1777);
    });
    this.#after = modifiedOf(this.#folder);
  }

  #make(name: string, make: (path: string) => void): void {
    const path = join(this.#folder, name);
    if (exists(path)) return;
    make(path);
    this.#made.push(path);
  }

  /** What the step put a link before is its own, and must not be looked for on the host. */
  remove(): void {
    if (!isStillInside(this.#rootfs, join(this.#folder, 'null')) || !exists(this.#folder)) return;
    const modified = modifiedOf(this.#folder);
    for (const path of this.#made) rmSync(path, { recursive: true, force: true });
    setModified(this.#folder, modified === this.#after ? this.#before : modified);
  }
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** An empty file where the kernel grants no mknod: `> /dev/null` works all the same. */
function makeDevice(path: string, major: number, minor: number): void {
  try {
    fsOps.mknod(path, { type: 'character-device', mode: 0o666, major, minor });
    chmodSync(path, 0o666);
  } catch (error) {
    if (!isHawserError(error, 'PERMISSION_DENIED')) throw error;
    writeFileSync(path, '', { mode: 0o666 });
  }
}

/** Of the whole machine, so that a copy is as good; what processes see of themselves cannot be copied. */
const facts =
  'cpuinfo filesystems loadavg meminfo stat uptime version sys/kernel/osrelease sys/kernel/ostype sys/kernel/pid_max ' +
  'sys/kernel/random/boot_id sys/kernel/cap_last_cap sys/vm/overcommit_memory';

/** The files of /proc that programs most often read, as a mount of a folder that is made for it. */
export function plainProc(folder: string): PathMount {
  for (const name of facts.split(' ')) {
    const target = join(folder, name);
    mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
    try {
      writeFileSync(target, readFileSync(join('/proc', name)), { mode: 0o444 });
    } catch (error) {
      if (!['ENOENT', 'EACCES', 'EPERM'].includes(systemErrorCode(error) ?? '')) throw error;
    }
  }
  return { type: 'bind', source: folder, target: '/proc', readOnly: true, isFolder: true };
}
