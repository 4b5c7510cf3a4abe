import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { HawserError, systemErrorCode } from '../../errors/hawser-error.ts';
import { fsOps, mountFlags } from '../../layers/fs-ops.ts';

const O_PATH = 0o10000000;
/** As the kernel allows in one path. */
const MAX_LINKS = 40;

function refuse(subPath: string, why: string): HawserError {
  return new HawserError('OBJECT_INVALID', `subPath ${JSON.stringify(subPath)} ${why}`, {
    remedy: 'Name a path inside the volume.',
  });
}

function partsOf(path: string): readonly string[] {
  return path.split('/').filter(part => part !== '' && part !== '.');
}

/** The entry itself, never what a link points to; made as a folder where it is missing. */
function openEntry(parent: number, name: string, mode: number): number {
  const path = `/proc/self/fd/${parent}/${name}`;
  const flags = O_PATH | constants.O_NOFOLLOW;
  try {
    return openSync(path, flags);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
  mkdirSync(path);
  const made = openSync(path, flags | constants.O_DIRECTORY);
  // mkdir's mode is cut by the umask.
  chmodSync(`/proc/self/fd/${made}`, mode);
  return made;
}

interface Found {
  readonly descriptor: number;
  readonly stat: Stats;
}

/** Walks down from the volume with one open folder a step, so that `..` of a link goes back to where it came from. */
class Walk {
  readonly #subPath: string;
  readonly #mode: number;
  readonly #open: Found[] = [];
  #rest: readonly string[];
  #links = 0;

  constructor(volume: string, subPath: string) {
    this.#subPath = subPath;
    this.#rest = partsOf(subPath);
    this.#push(openSync(volume, O_PATH | constants.O_DIRECTORY));
    this.#mode = this.#last().stat.mode & 0o2777;
  }

  #push(descriptor: number): void {
    this.#open.push({ descriptor, stat: fstatSync(descriptor) });
  }

  #last(): Found {
    return this.#open.at(-1) as Found;
  }

  #pop(): void {
    closeSync(this.#last().descriptor);
    this.#open.pop();
  }

  #step(name: string): void {
    if (name === '..') {
      if (this.#open.length === 1) throw refuse(this.#subPath, 'leaves its volume by a link');
      this.#pop();
      return;
    }
    const { descriptor: parent, stat } = this.#last();
    if (!stat.isDirectory()) throw refuse(this.#subPath, 'goes over something that is no folder');
    this.#push(openEntry(parent, name, this.#mode));
    if (this.#last().stat.isSymbolicLink()) this.#follow(`/proc/self/fd/${parent}/${name}`);
  }

  /** What is swapped between opening and reading a link is walked as carefully as the rest. */
  #follow(path: string): void {
    const target = readlinkSync(path);
    if (target.startsWith('/') || ++this.#links > MAX_LINKS)
      throw refuse(this.#subPath, 'leaves its volume by a link');
    this.#pop();
    this.#rest = [...partsOf(target), ...this.#rest];
  }

  toEnd(): Found {
    for (let [name] = this.#rest; name !== undefined; [name] = this.#rest) {
      this.#rest = this.#rest.slice(1);
      this.#step(name);
    }
    return this.#last();
  }

  close(): void {
    while (this.#open.length > 0) this.#pop();
  }
}

/**
 * Mounts `subPath` of a volume at `target`, made as folders where it is missing. Each component is opened by itself, links
 * are resolved inside the volume and the mount is made of the open file, so that nothing that a container swaps
 * meanwhile leads out of the volume (CVE-2017-1002101, CVE-2021-25741).
 *
 * @throws HawserError OBJECT_INVALID for a path that leaves the volume, MOUNT_FAILED
 */
export function mountSubPath(volume: string, subPath: string, target: string): void {
  if (subPath.startsWith('/') || partsOf(subPath).includes('..')) throw refuse(subPath, 'leaves its volume');
  const walk = new Walk(volume, subPath);
  try {
    const { descriptor, stat } = walk.toEnd();
    fsOps.unmount(target);
    mkdirSync(dirname(target), { recursive: true });
    if (stat.isDirectory()) mkdirSync(target, { recursive: true });
    else writeFileSync(target, '');
    fsOps.mount(`/proc/self/fd/${descriptor}`, target, { flags: mountFlags.bind });
  } finally {
    walk.close();
  }
}
