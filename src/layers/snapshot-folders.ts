import { randomBytes } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { type Digest, digestOf, isDigest } from '../image/digest.ts';
import { type FileLock, lockFile } from '../util/file-lock.ts';
import { namesInSync } from '../util/names-in.ts';
import { isRunning, ownIdentity } from '../util/process-identity.ts';
import type { SnapshotInfo } from './snapshotter.ts';

/*
 * What all kinds of snapshots share on the disk, below $HAWSER_ROOT/snapshots/<kind>/:
 *
 *   committed/<algorithm>-<hex>/   fs/  info.json                    never changes
 *   active/<owner>~<key>/          fs/  work/  record.json           owner: <pid>-<start>, or `keep`
 *   unsynced/<boot>~<algorithm>-<hex>                                see snapshot-durability.ts
 *   lock                           shared: prepare and commit; alone: remove
 *
 * and $HAWSER_RUN/mounts/<root>/<key>, a mount point each. An owner that runs no more is in the folder's name, so that
 * one readdir shows what a crash left. An active folder is made before its mount point and goes after it: a mount point
 * without an active folder is nobody's.
 *
 * The calls are synchronous: each takes some 10 µs, and a trip to a thread of Node's pool ten times that.
 */

export interface ActiveRecord {
  readonly key: string;
  readonly parent?: Digest;
  readonly owner?: string;
}

const KEEP = 'keep';

export function folderNameOf(chainID: Digest): string {
  return chainID.replace(':', '-');
}

export function chainIDOfFolder(name: string): Digest | undefined {
  const text = name.replace('-', ':');
  return isDigest(text) ? text : undefined;
}

function readJson<Value>(path: string): Value | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Value;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export class SnapshotFolders {
  readonly root: string;
  readonly mounts: string;
  readonly #infos = new Map<Digest, SnapshotInfo>();

  constructor(root: string, run: string) {
    this.root = root;
    // Two roots may share one HAWSER_RUN, and neither may take the other's mounts for left ones.
    this.mounts = join(run, 'mounts', digestOf(root).slice(7, 15));
    for (const name of ['committed', 'active', 'unsynced']) mkdirSync(join(root, name), { recursive: true });
  }

  committedPath(chainID: Digest): string {
    return join(this.root, 'committed', folderNameOf(chainID));
  }

  mountPoint(key: string): string {
    return join(this.mounts, key);
  }

  lock(options: { readonly shared: boolean }): Promise<FileLock> {
    return lockFile(join(this.root, 'lock'), { shared: options.shared, timeout: 120_000 });
  }

  info(chainID: Digest): SnapshotInfo | undefined {
    const known = this.#infos.get(chainID);
    const folder = this.committedPath(chainID);
    if (known !== undefined) return existsSync(folder) ? known : undefined;
    const info = readJson<SnapshotInfo>(join(folder, 'info.json'));
    if (info !== undefined) this.#infos.set(chainID, info);
    return info;
  }

  /** The `fs` folders of a snapshot and its parents, itself first. @throws HawserError SNAPSHOT_UNKNOWN */
  chain(chainID: Digest | undefined): readonly string[] {
    const folders: string[] = [];
    for (let next = chainID; next !== undefined; ) {
      const info = this.info(next);
      if (info === undefined) {
        throw new HawserError('SNAPSHOT_UNKNOWN', `snapshot ${next} is not there`, {
          detail: { chainID: next },
        });
      }
      folders.push(join(this.committedPath(next), 'fs'));
      next = info.parent;
    }
    return folders;
  }

  committed(): readonly SnapshotInfo[] {
    const infos: SnapshotInfo[] = [];
    for (const name of namesInSync(join(this.root, 'committed'))) {
      const chainID = chainIDOfFolder(name);
      const info = chainID === undefined ? undefined : this.info(chainID);
      if (info !== undefined) infos.push(info);
    }
    return infos.sort((a, b) => (a.chainID < b.chainID ? -1 : 1));
  }

  activeRecords(): readonly ActiveRecord[] {
    return namesInSync(join(this.root, 'active')).flatMap(
      name => readJson<ActiveRecord>(join(this.root, 'active', name, 'record.json')) ?? [],
    );
  }

  /** Makes an active folder with its mount point. @throws HawserError ALREADY_EXISTS */
  claim(record: ActiveRecord): string {
    const { pid, start } = ownIdentity();
    const owner = record.owner === undefined ? `${pid}-${start}` : KEEP;
    const folder = join(this.root, 'active', `${owner}~${record.key}`);
    const taken = () => new HawserError('ALREADY_EXISTS', `an active snapshot has the key ${record.key}`);
    try {
      mkdirSync(folder);
    } catch (error) {
      throw systemErrorCode(error) === 'EEXIST' ? taken() : error;
    }
    mkdirSync(this.mounts, { recursive: true });
    try {
      mkdirSync(this.mountPoint(record.key));
    } catch (error) {
      rmdirSync(folder);
      throw systemErrorCode(error) === 'EEXIST' ? taken() : error;
    }
    writeFileSync(join(folder, 'record.json'), JSON.stringify(record));
    return folder;
  }

  kept(key: string): { readonly folder: string; readonly record: ActiveRecord } | undefined {
    const folder = join(this.root, 'active', `${KEEP}~${key}`);
    const record = readJson<ActiveRecord>(join(folder, 'record.json'));
    return record === undefined ? undefined : { folder, record };
  }

  /** False where that snapshot is there already. Once it is named, it is whole. */
  publish(folder: string, info: SnapshotInfo): boolean {
    writeFileSync(join(folder, 'info.json'), JSON.stringify(info));
    try {
      renameSync(folder, this.committedPath(info.chainID));
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
      throw error;
    }
    this.#infos.set(info.chainID, info);
    return true;
  }

  /** Takes a committed snapshot's name away; where its files are then, for the caller to remove. */
  takeCommitted(chainID: Digest): string | undefined {
    this.#infos.delete(chainID);
    const { pid, start } = ownIdentity();
    const trash = join(this.root, 'active', `${pid}-${start}~.trash-${randomBytes(6).toString('hex')}`);
    try {
      renameSync(this.committedPath(chainID), trash);
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
    return trash;
  }

  /** Takes a committed snapshot away. False where there is none. */
  async discardCommitted(chainID: Digest): Promise<boolean> {
    const trash = this.takeCommitted(chainID);
    if (trash === undefined) return false;
    await rm(trash, { recursive: true, force: true });
    return true;
  }

  /** What processes that are gone left: the keys of mount points that nobody has, and active folders. */
  stale(): { readonly mountPoints: readonly string[]; readonly folders: readonly string[] } {
    const keys = namesInSync(this.mounts); // first: see the order above
    const living = new Set<string>();
    const folders: string[] = [];
    for (const name of namesInSync(join(this.root, 'active'))) {
      const [owner = '', key = ''] = name.split('~', 2);
      const [pid, start = ''] = owner.split('-', 2);
      if (owner === KEEP || isRunning({ pid: Number(pid), start })) living.add(key);
      else folders.push(join(this.root, 'active', name));
    }
    return { mountPoints: keys.filter(key => !living.has(key)).map(key => this.mountPoint(key)), folders };
  }
}

/** Bytes on the disk below `folder`, hard links counted once. */
export function diskUsage(folder: string): number {
  const seen = new Set<number>();
  let total = 0;
  const visit = (path: Buffer) => {
    const stat = lstatSync(path);
    if (stat.nlink > 1 && !stat.isDirectory()) {
      if (seen.has(stat.ino)) return;
      seen.add(stat.ino);
    }
    total += stat.blocks * 512;
    if (!stat.isDirectory()) return;
    for (const name of readdirSync(path, { encoding: 'buffer' })) {
      visit(Buffer.concat([path, Buffer.from('/'), name]));
    }
  };
  visit(Buffer.from(folder));
  return total;
}
