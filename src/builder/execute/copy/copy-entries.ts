import {
  chmodSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { posix } from 'node:path';
import { HawserError, systemErrorCode } from '../../../errors/hawser-error.ts';
import { fsOps, splitDevice } from '../../../layers/fs-ops.ts';
import { fileTimeOf } from './file-time.ts';
import { makeFolders, type NewFolder } from './make-folders.ts';
import { lstatOrNothing, resolveInside } from './root-path.ts';
import type { SourceEntry, SourceListing } from './source-entry.ts';

export interface CopyTarget {
  /** The mounted root of the image. */
  readonly root: string;
  /** Absolute inside `root`; a `/` at its end says that it is a folder. */
  readonly path: string;
  /** `--chown` */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** `--chmod` */
  readonly mode?: number | undefined;
  /** Milliseconds since 1970 for what is made and has no time of its own, and as the latest time of the rest. */
  readonly time?: number | undefined;
}

/** Where the entries of one listing go, after BuildKit's rules for files, folders and trailing slashes. */
function prepareTarget(listing: SourceListing, target: CopyTarget): string {
  const folder: NewFolder = {
    owner: target.owner ?? { uid: 0, gid: 0 },
    mode: target.mode ?? 0o755,
    mtime: target.time,
  };
  // All that stands before the last slash is a folder; after it, the name of a file or of a folder.
  const parent = target.path.slice(0, target.path.lastIndexOf('/') + 1);
  makeFolders(target.root, parent, folder);
  let path = resolveInside(target.root, posix.normalize(target.path), { followLast: true });
  const stats = lstatOrNothing(target.root + path);
  const isFolder = listing.entries[0]?.type === 'folder';
  if (!isFolder && stats?.isDirectory() === true) path = posix.join(path, listing.name);
  makeFolders(target.root, isFolder && stats === undefined ? path : posix.dirname(path), folder);
  return path;
}

/**
 * Copies what was listed into an image's root, with the rules of BuildKit's COPY (research: Dockerfile traps 1 to 21).
 * The loop is synchronous: it is several times faster so, and large copies run it in a worker.
 *
 * @throws HawserError CONFLICT where file meets folder, NO_SPACE
 */
export function copyListings(listings: readonly SourceListing[], target: CopyTarget): void {
  const copier = new EntryCopier(target);
  for (const listing of listings) copier.copy(listing, prepareTarget(listing, target));
}

class EntryCopier {
  readonly #target: CopyTarget;
  /** First copy of a file with several names. */
  readonly #copied = new Map<string, string>();

  constructor(target: CopyTarget) {
    this.#target = target;
  }

  copy(listing: SourceListing, path: string): void {
    const base = this.#target.root + (path === '/' ? '' : path);
    const folders: [SourceEntry, string][] = [];
    for (const entry of listing.entries) {
      const location = entry.path === '' ? base : `${base}/${entry.path}`;
      try {
        if (entry.type === 'folder') {
          this.#makeFolder(location);
          // The top folder keeps its own owner, mode and time; those below take the source's, once they are filled.
          if (entry.path !== '') folders.push([entry, location]);
        } else if (this.#makeFile(entry, location)) {
          this.#dress(entry, location);
        }
      } catch (error) {
        throw this.#explain(error, location);
      }
    }
    for (const [entry, location] of folders.toReversed()) this.#dress(entry, location);
  }

  #makeFolder(location: string): void {
    try {
      mkdirSync(location);
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error;
      if (!lstatSync(location).isDirectory()) {
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
  }

  /** False for a further name of a file that was copied before, which has its owner and mode already. */
  #makeFile(entry: SourceEntry, location: string): boolean {
    const first = entry.inode === undefined ? undefined : this.#copied.get(entry.inode);
    const make = () => {
      if (first === undefined) createNode(entry, location);
      else linkSync(first, location);
    };
    if (first === location) return false;
    try {
      make();
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error;
      if (lstatSync(location).isDirectory()) {
        throw new HawserError('CONFLICT', `cannot replace the folder ${this.#inside(location)} by a file`, {
          cause: error,
          remedy: 'Copy to another path, or remove the folder in a RUN before.',
        });
      }
      rmSync(location);
      make();
    }
    if (entry.inode !== undefined && first === undefined) this.#copied.set(entry.inode, location);
    return first === undefined;
  }

  /** Owner first, since a change of owner takes setuid bits and capabilities away; the time last. */
  #dress(entry: SourceEntry, location: string): void {
    const { owner, mode, time } = this.#target;
    lchownSync(location, owner?.uid ?? entry.uid, owner?.gid ?? entry.gid);
    if (entry.type !== 'symlink') chmodSync(location, mode ?? entry.mode);
    if (entry.capability !== undefined && owner === undefined) {
      fsOps.lsetxattr(location, 'security.capability', entry.capability);
    }
    fsOps.utimensat(location, fileTimeOf(Math.min(entry.mtime, time ?? Number.POSITIVE_INFINITY)));
  }

  #inside(location: string): string {
    return location.slice(this.#target.root.length) || '/';
  }

  #explain(error: unknown, location: string): unknown {
    const code = systemErrorCode(error);
    if (error instanceof HawserError || code === undefined) return error;
    const kind =
      code === 'ENOSPC' || code === 'EDQUOT' ? 'NO_SPACE' : code === 'ENOTDIR' ? 'CONFLICT' : 'INTERNAL';
    return new HawserError(kind, `copy to ${this.#inside(location)}: ${code}`, { cause: error });
  }
}

/** Makes what `entry` says at a path where nothing is; EEXIST otherwise. */
function createNode(entry: SourceEntry, location: string): void {
  switch (entry.type) {
    case 'file':
      if (entry.inline === undefined) fsOps.copyFile(entry.location, location);
      else writeFileSync(location, entry.inline, { flag: 'wx' });
      return;
    case 'symlink':
      symlinkSync(entry.link ?? '', location);
      return;
    case 'socket': // BuildKit leaves an empty file in its place
      writeFileSync(location, '', { flag: 'wx' });
      return;
    case 'folder':
      throw new HawserError('INTERNAL', `${location}: a folder is not made as a file`);
    default:
      makeSpecial(entry.type, entry, location);
  }
}

function makeSpecial(
  type: 'fifo' | 'character-device' | 'block-device',
  entry: SourceEntry,
  location: string,
): void {
  if (lstatOrNothing(location) !== undefined) throw Object.assign(new Error('EEXIST'), { code: 'EEXIST' });
  const device = type === 'fifo' ? {} : splitDevice(entry.device ?? 0);
  fsOps.mknod(location, { type, mode: entry.mode, ...device });
}
