import { readdirSync, readlinkSync, type Stats } from 'node:fs';
import { HawserError, systemErrorCode } from '../../../errors/hawser-error.ts';
import { fsOps } from '../../../layers/fs-ops.ts';
import { type ByteString, byteString, byteStringOf, fsPath, textOf } from '../../../util/byte-string.ts';
import type { IgnoreMatcher, IgnoreState } from '../../dockerfile/ignore.ts';
import { lstatOrNothing } from './root-path.ts';
import type { SourceEntry } from './source-entry.ts';

const permissionBits = 0o7777;

export interface EntryPlace {
  readonly location: ByteString;
  /** Relative to the source that was named. */
  readonly path: ByteString;
  readonly stats: Stats;
}

/** @param owners As `SourceTree` has it. */
export function entryOf({ location, path, stats }: EntryPlace, owners: 'root' | 'kept'): SourceEntry {
  const type = typeOf(stats);
  const kept = owners === 'kept';
  const capability =
    kept && type === 'file' ? fsOps.lgetxattr(fsPath(location), 'security.capability') : undefined;
  return {
    type,
    path,
    location,
    mode: stats.mode & permissionBits,
    uid: kept ? stats.uid : 0,
    gid: kept ? stats.gid : 0,
    size: type === 'file' ? stats.size : 0,
    mtime: stats.mtimeMs,
    ctime: stats.ctimeMs,
    ino: stats.ino,
    ...(type === 'symlink' ? { link: byteStringOf(readlinkSync(fsPath(location), 'buffer')) } : {}),
    ...(type === 'character-device' || type === 'block-device' ? { device: stats.rdev } : {}),
    ...(stats.nlink > 1 && type !== 'folder' ? { inode: `${stats.dev}:${stats.ino}` } : {}),
    ...(capability === undefined ? {} : { capability }),
  };
}

function typeOf(stats: Stats): SourceEntry['type'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isFIFO()) return 'fifo';
  if (stats.isSocket()) return 'socket';
  return stats.isCharacterDevice() ? 'character-device' : 'block-device';
}

/**
 * The names in a folder, in byte order. None for a folder that is gone, which a context may lose while it is read.
 *
 * @throws HawserError CONTEXT_INVALID where it cannot be read
 */
export function namesIn(folder: ByteString): readonly ByteString[] {
  try {
    const names = readdirSync(fsPath(folder));
    // U+FFFD stands for what is not UTF-8, or for itself: read as bytes it is certain.
    const bytes = names.some(name => name.includes('\ufffd'))
      ? readdirSync(fsPath(folder), { encoding: 'buffer' }).map(byteStringOf)
      : names.map(byteString);
    return bytes.sort();
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw unreadable(folder, error);
  }
}

/** @throws as HawserError CONTEXT_INVALID for a file or folder that may not be read; anything else as it is */
export function unreadable(location: ByteString, error: unknown): unknown {
  const code = systemErrorCode(error);
  if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EIO' && code !== 'ELOOP') return error;
  return new HawserError('CONTEXT_INVALID', `cannot read ${textOf(location)}: ${code}`, {
    cause: error,
    remedy: 'Make it readable, or hide it with .dockerignore.',
  });
}

export interface WalkFilters {
  /** Of the whole tree: what it hides is not there. */
  readonly ignore?: IgnoreMatcher | undefined;
  /** `--parents`: only what matches, and the folders above it. Paths relative to the source. */
  readonly include?: IgnoreMatcher | undefined;
  /** `--exclude`, likewise. */
  readonly exclude?: IgnoreMatcher | undefined;
}

interface Folder {
  readonly location: ByteString;
  readonly path: ByteString;
  /** Relative to the tree's root, for `ignore`. */
  readonly inTree: ByteString;
  readonly ignore: IgnoreState | undefined;
  readonly include: IgnoreState | undefined;
  readonly exclude: IgnoreState | undefined;
}

/** Walks what is in a folder, depth first. A folder that is filtered out itself comes along with what in it is not. */
export class FolderWalk {
  readonly #filters: WalkFilters;
  readonly #owners: 'root' | 'kept';
  /** Folders on the way that come along with the first thing in them. */
  #waiting: SourceEntry[] = [];

  constructor(filters: WalkFilters, owners: 'root' | 'kept') {
    this.#filters = filters;
    this.#owners = owners;
  }

  *entries(folder: Folder): Generator<SourceEntry> {
    for (const name of namesIn(folder.location)) {
      const child = this.#child(folder, name);
      const found = this.#look(child);
      if (found === undefined) continue;
      const { entry, shown } = found;
      if (shown) {
        yield* this.#waiting;
        this.#waiting = [];
        yield entry;
      } else this.#waiting.push(entry);
      if (entry.type !== 'folder') continue;
      const depth = this.#waiting.length;
      yield* this.entries(child);
      if (!shown && this.#waiting.length === depth) this.#waiting.pop();
    }
  }

  #child(folder: Folder, name: ByteString): Folder {
    const { ignore, include, exclude } = this.#filters;
    const path = (folder.path === '' ? name : `${folder.path}/${name}`) as ByteString;
    const inTree = (folder.inTree === '' ? name : `${folder.inTree}/${name}`) as ByteString;
    return {
      location: `${folder.location}/${name}` as ByteString,
      path,
      inTree,
      ignore: ignore?.enter(textOf(inTree), folder.ignore),
      include: include?.enter(textOf(path), folder.include),
      exclude: exclude?.enter(textOf(path), folder.exclude),
    };
  }

  /** What is at a place; undefined where nothing is, or nothing that counts. */
  #look(at: Folder): { readonly entry: SourceEntry; readonly shown: boolean } | undefined {
    const { ignore, include, exclude } = this.#filters;
    const ignored = at.ignore?.excluded === true;
    if (ignored && ignore?.couldIncludeBelow(textOf(at.inTree)) !== true) return undefined;
    const included = at.include === undefined || at.include.excluded;
    const excluded = at.exclude?.excluded === true;
    const path = textOf(at.path);
    if (!included && include?.couldMatchBelow(path) !== true) return undefined;
    if (excluded && exclude?.couldIncludeBelow(path) !== true) return undefined;
    const stats = lstatOrNothing(at.location);
    if (stats === undefined) return undefined; // removed while the tree is read
    const shown = !ignored && included && !excluded;
    if (!shown && !stats.isDirectory()) return undefined;
    const entry = entryOf({ location: at.location, path: at.path, stats }, this.#owners);
    return { entry: included && !excluded ? entry : { ...entry, implied: true }, shown };
  }
}
