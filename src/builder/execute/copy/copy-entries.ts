import {
  chmodSync,
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { posix } from 'node:path';
import { HawserError, systemErrorCode } from '../../../errors/hawser-error.ts';
import { type FileTime, fsOps, splitDevice } from '../../../layers/fs-ops.ts';
import { type ByteString, byteString, bytesOf, fsPath, textOf } from '../../../util/byte-string.ts';
import { applyModeChange, type ModeChange } from './file-mode.ts';
import { fileTimeOf } from './file-time.ts';
import { makeFolders, type NewFolder } from './make-folders.ts';
import { isUnchanged, openSource } from './open-source.ts';
import type { CopyPacker } from './pack-copy.ts';
import { joinBytes, lstatOrNothing, resolveInside } from './root-path.ts';
import type { SourceEntry, SourceListing } from './source-entry.ts';
import type { SourceRecord } from './source-record.ts';

/** Where a COPY goes, and how. Plain data. */
export interface CopyTarget {
  /** The mounted root of the image. */
  readonly root: string;
  /** Absolute inside `root`; a `/` at its end says that it is a folder. */
  readonly path: string;
  /** `--chown` */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** `--chmod` */
  readonly mode?: ModeChange | undefined;
  /** Milliseconds since 1970 for what is made and has no time of its own, and as the latest time of the rest. */
  readonly time?: number | undefined;
  /** Milliseconds since 1970: the time of the folder that is filled, once it is. */
  readonly folderTime?: number | undefined;
}

/** What came of an entry: a file that lacks owner, mode and time, a finished one, another name of one, or nothing. */
type Made = 'bare' | 'finished' | 'linked' | 'nothing';

/** Files that fit are read and written; larger ones are left to the kernel, which may share their blocks. */
const small = Buffer.allocUnsafeSlow(128 * 1024);

/** What a folder that a COPY needs is made like. */
export function newFolderOf({ owner, mode, time }: CopyTarget): NewFolder {
  // Only a number reaches folders that are made on the way: there is no mode that letters could change.
  const octal = mode !== undefined && 'octal' in mode ? mode.octal : 0o755;
  return { owner: owner ?? { uid: 0, gid: 0 }, mode: octal, mtime: time };
}

/** Where the entries of one listing go, after BuildKit's rules for files, folders and trailing slashes. */
export function prepareTarget(listing: SourceListing, target: CopyTarget): ByteString {
  const folder = newFolderOf(target);
  const root = byteString(target.root);
  const wanted = byteString(target.path);
  // All that stands before the last slash is a folder; after it, the name of a file or of a folder.
  makeFolders(root, wanted.slice(0, wanted.lastIndexOf('/') + 1) as ByteString, folder);
  let path = resolveInside(root, posix.normalize(wanted), { followLast: true });
  const stats = lstatOrNothing(`${root}${path}` as ByteString);
  const isFolder = listing.top.type === 'folder';
  if (!isFolder && stats?.isDirectory() === true) path = joinBytes(path, listing.name);
  const needed = isFolder && stats === undefined ? path : posix.dirname(path);
  makeFolders(root, needed as ByteString, folder);
  return path;
}

/** Owner, permission bits and time of what an entry becomes. */
export function dressOf(
  { type, uid, gid, mode: own, mtime }: SourceEntry,
  { owner, mode, time }: CopyTarget,
): { readonly uid: number; readonly gid: number; readonly mode: number; readonly time: FileTime } {
  return {
    ...(owner ?? { uid, gid }),
    mode: mode === undefined ? own : applyModeChange(mode, own, type === 'folder'),
    time: fileTimeOf(Math.min(mtime, time ?? Number.POSITIVE_INFINITY)),
  };
}

/**
 * Copies what was listed into an image's root, with the rules of BuildKit's COPY (research: Dockerfile traps 1 to 21).
 * The loop is synchronous: it is several times faster so, and large copies run it in a worker.
 *
 * @throws HawserError CONFLICT where file meets folder, NO_SPACE, CONTEXT_INVALID
 */
export class EntryCopier {
  readonly #target: CopyTarget;
  readonly #root: ByteString;
  /** Is told of each entry that is made below the top. */
  readonly #packer: CopyPacker | undefined;
  /** First copy of a file with several names. */
  readonly #copied = new Map<string, ByteString>();
  /** Folders that are being filled: the outermost first. */
  readonly #open: { readonly entry: SourceEntry; readonly location: ByteString }[] = [];
  #watching = false;
  #changed = false;

  constructor(target: CopyTarget, packer?: CopyPacker) {
    this.#target = target;
    this.#root = byteString(target.root);
    this.#packer = packer;
  }

  /** A file was changed or taken away while it was copied, or since it was listed. */
  get changed(): boolean {
    return this.#changed;
  }

  /** @param record Is told of each entry of what may change while it is read. */
  copy(listing: SourceListing, record?: SourceRecord): void {
    this.#watching = record !== undefined;
    // BuildKit keeps links within one source only.
    this.#copied.clear();
    const path = prepareTarget(listing, this.#target);
    const base = `${this.#root}${path === '/' ? '' : path}` as ByteString;
    record?.add(listing.top);
    this.#entry(listing.top, base, true);
    for (const entry of listing.below()) {
      record?.add(entry);
      this.#closeFolders(entry.path);
      this.#entry(entry, `${base}/${entry.path}` as ByteString, false);
    }
    this.#closeFolders();
    const { folderTime } = this.#target;
    if (folderTime !== undefined) fsOps.utimensat(fsPath(base), fileTimeOf(folderTime));
  }

  #entry(entry: SourceEntry, location: ByteString, isTop: boolean): void {
    try {
      if (entry.type !== 'folder') {
        this.#file(entry, location);
        return;
      }
      const isNew = this.#makeFolder(location);
      // The top folder keeps its own owner, mode and time; those below take the source's, once they are filled.
      if (isTop) return;
      this.#packer?.add(entry);
      if (entry.implied && !isNew) chmodSync(fsPath(location), entry.mode);
      else this.#open.push({ entry, location });
    } catch (error) {
      throw this.#explain(error, location);
    }
  }

  #file(entry: SourceEntry, location: ByteString): void {
    const made = this.#makeFile(entry, location);
    if (made === 'linked') this.#packer?.addLink(entry);
    if (made !== 'bare') return;
    this.#dress(entry, location);
    this.#packer?.add(entry, location);
  }

  /** Finishes the folders that `next` is not in; all of them at the end. */
  #closeFolders(next?: ByteString): void {
    for (;;) {
      const last = this.#open.at(-1);
      if (last === undefined || next?.startsWith(`${last.entry.path}/`) === true) return;
      this.#open.pop();
      this.#dress(last.entry, last.location);
    }
  }

  /** Whether it was not there. */
  #makeFolder(location: ByteString): boolean {
    try {
      mkdirSync(fsPath(location));
      return true;
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error;
      if (lstatSync(fsPath(location)).isDirectory()) return false;
      throw new HawserError(
        'CONFLICT',
        `cannot copy a folder onto ${this.#inside(location)}, which is none`,
        {
          cause: error,
          remedy: 'Copy to another path, or remove the file in a RUN before.',
        },
      );
    }
  }

  /** A further name of a file that was copied before is no file of its own. */
  #makeFile(entry: SourceEntry, location: ByteString): Made {
    const first = entry.inode === undefined ? undefined : this.#copied.get(entry.inode);
    if (first === location) return 'nothing';
    const make = () => {
      if (first === undefined) return this.#createNode(entry, location);
      linkSync(fsPath(first), fsPath(location));
      return 'linked';
    };
    const made = this.#replacing(location, make);
    const isFirst = made === 'bare' || made === 'finished';
    if (isFirst && entry.inode !== undefined) this.#copied.set(entry.inode, location);
    return made;
  }

  #replacing(location: ByteString, make: () => Made): Made {
    try {
      return make();
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error;
      if (lstatSync(fsPath(location)).isDirectory()) {
        throw new HawserError('CONFLICT', `cannot replace the folder ${this.#inside(location)} by a file`, {
          cause: error,
          remedy: 'Copy to another path, or remove the folder in a RUN before.',
        });
      }
      rmSync(fsPath(location));
      return make();
    }
  }

  /** Makes what `entry` says at a path where nothing is; EEXIST otherwise. Nothing where the file is gone. */
  #createNode(entry: SourceEntry, location: ByteString): Made {
    const path = fsPath(location);
    if (entry.type === 'file' && entry.inline === undefined) return this.#copyFile(entry, location);
    if (entry.type === 'file') writeFileSync(path, entry.inline ?? '', { flag: 'wx' });
    else if (entry.type === 'symlink') symlinkSync(bytesOf(entry.link ?? ('' as ByteString)), path);
    // BuildKit leaves an empty file in the place of a socket.
    else if (entry.type === 'socket') writeFileSync(path, '', { flag: 'wx' });
    else makeSpecial(entry, location);
    return 'bare';
  }

  #copyFile(entry: SourceEntry, location: ByteString): Made {
    const source = openSource(entry.location);
    if (source === undefined) {
      this.#changed = true;
      return 'nothing';
    }
    try {
      const before = fstatSync(source);
      const made = before.isFile() ? this.#copyOpen(source, before.size, { entry, location }) : 'nothing';
      const asListed = isUnchanged(entry, before) && isUnchanged(entry, fstatSync(source));
      if (this.#watching && !asListed) this.#changed = true;
      return made;
    } finally {
      closeSync(source);
    }
  }

  #copyOpen(
    source: number,
    size: number,
    { entry, location }: { readonly entry: SourceEntry; readonly location: ByteString },
  ): Made {
    if (size < small.length && entry.capability === undefined) {
      const length = readSync(source, small, 0, small.length, 0);
      if (length === size) {
        const content = small.subarray(0, length);
        this.#writeSmall(entry, location, content);
        this.#packer?.addContent(entry, content);
        return 'finished';
      }
    }
    fsOps.copyFile(`/proc/self/fd/${source}`, fsPath(location));
    return 'bare';
  }

  /** Through the open file from making to dressing: half the calls, and none that looks its path up again. */
  #writeSmall(entry: SourceEntry, location: ByteString, content: Uint8Array): void {
    const file = openSync(fsPath(location), 'wx', 0o600);
    try {
      for (let done = 0; done < content.length; ) done += writeSync(file, content, done);
      const { uid, gid, mode, time } = dressOf(entry, this.#target);
      fchownSync(file, uid, gid);
      fchmodSync(file, mode);
      fsOps.futimens(file, time);
    } finally {
      closeSync(file);
    }
  }

  /** Owner first, since a change of owner takes setuid bits and capabilities away; the time last. */
  #dress(entry: SourceEntry, location: ByteString): void {
    const path = fsPath(location);
    const { uid, gid, mode, time } = dressOf(entry, this.#target);
    lchownSync(path, uid, gid);
    if (entry.type !== 'symlink') chmodSync(path, mode);
    if (entry.capability !== undefined && this.#target.owner === undefined) {
      fsOps.lsetxattr(path, 'security.capability', entry.capability);
    }
    fsOps.utimensat(path, time);
  }

  #inside(location: ByteString): string {
    return textOf(location.slice(this.#root.length) as ByteString) || '/';
  }

  #explain(error: unknown, location: ByteString): unknown {
    const code = systemErrorCode(error);
    if (error instanceof HawserError || code === undefined) return error;
    const kind =
      code === 'ENOSPC' || code === 'EDQUOT' ? 'NO_SPACE' : code === 'ENOTDIR' ? 'CONFLICT' : 'INTERNAL';
    return new HawserError(kind, `copy to ${this.#inside(location)}: ${code}`, { cause: error });
  }
}

function makeSpecial(entry: SourceEntry, location: ByteString): void {
  if (lstatOrNothing(location) !== undefined) throw Object.assign(new Error('EEXIST'), { code: 'EEXIST' });
  const type = entry.type as 'fifo' | 'character-device' | 'block-device';
  const device = type === 'fifo' ? {} : splitDevice(entry.device ?? 0);
  fsOps.mknod(fsPath(location), { type, mode: entry.mode, ...device });
}
