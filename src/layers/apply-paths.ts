import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { HawserError, isHawserError, messageOf, systemErrorCode } from '../errors/hawser-error.ts';
import { type ByteString, byteStringOf, fsPath, textOf } from '../util/byte-string.ts';

/** As many as Linux follows in one path, path_resolution(7). */
export const maxLinks = 40;

/** @throws HawserError LAYER_ENTRY_INVALID that names the entry */
export function refuseEntry(name: ByteString, why: string, cause?: unknown): never {
  throw new HawserError(
    'LAYER_ENTRY_INVALID',
    `layer entry ${JSON.stringify(textOf(name))} is refused: ${why}`,
    {
      cause,
    },
  );
}

/** What a path is too long, or no name at all, for. */
const entryFaults = new Set(['ENAMETOOLONG', 'EINVAL', 'ELOOP', 'ENOTDIR', 'EMLINK']);

/** The HawserError for what went wrong with the entry `name`. */
export function entryError(error: unknown, name: ByteString): HawserError {
  if (isHawserError(error, 'LAYER_ENTRY_INVALID')) return error;
  const code = systemErrorCode(error) ?? '';
  if (entryFaults.has(code)) refuseEntry(name, `its path cannot be made (${code})`, error);
  const action = `put the layer entry ${JSON.stringify(textOf(name))} in place: ${messageOf(error)}`;
  if (isHawserError(error)) {
    return new HawserError(error.code, action, { cause: error, detail: error.detail });
  }
  if (code === 'ENOSPC' || code === 'EDQUOT') return new HawserError('NO_SPACE', action, { cause: error });
  const isForbidden = code === 'EPERM' || code === 'EACCES' || code === 'EROFS';
  return new HawserError(isForbidden ? 'PERMISSION_DENIED' : 'INTERNAL', action, { cause: error });
}

/** Tells whether a path is still a folder: a later entry may have put a symlink into the middle of it. */
export function folderCheck(root: ByteString): (path: ByteString) => boolean {
  const known = new Map<string, boolean>([[root, true]]);
  const isFolder = (path: ByteString): boolean => {
    let is = known.get(path);
    if (is === undefined) {
      const parent = path.slice(0, path.lastIndexOf('/')) as ByteString;
      is = isFolder(parent) && lstatOrNothing(path)?.isDirectory() === true;
      known.set(path, is);
    }
    return is;
  };
  return isFolder;
}

/** The file at `path` itself; undefined where there is none. */
export function lstatOrNothing(path: ByteString): Stats | undefined {
  return lstatSync(fsPath(path), { throwIfNoEntry: false });
}

/** Deeper trees are no one's, and many programs, Node's `rm` among them, run out of stack on them. */
export const maxDepth = 1024;

/**
 * A name, or the target of a hard link, without `.`, empty parts and leading slashes: absolute ones count from the root,
 * as Docker has it.
 *
 * @param entry The name that a refusal speaks of.
 */
export function entryParts(name: ByteString, entry: ByteString = name): readonly ByteString[] {
  if (isClean(name)) return checkDepth(name.split('/') as ByteString[], entry);
  const parts = name.split('/').filter(part => part !== '' && part !== '.') as ByteString[];
  if (parts.includes('..' as ByteString)) refuseEntry(entry, 'there is a .. in its path');
  return checkDepth(parts, entry);
}

function checkDepth(parts: readonly ByteString[], entry: ByteString): readonly ByteString[] {
  if (parts.length > maxDepth) refuseEntry(entry, `it lies more than ${maxDepth} folders deep`);
  return parts;
}

function isClean(name: string): boolean {
  // Almost all names: no part begins with a dot or is empty.
  return !name.includes('/.') && !name.includes('//') && !/^[./]|\/$/.test(name);
}

/**
 * Finds where entries belong. Symlinks on the way are followed inside the root as if it were `/`, so that no layer
 * leads outside; the last part is never followed. Since the root is exclusively ours, what was found stays true until
 * a folder or link is replaced: then call `forget`.
 */
export class EntryPaths {
  readonly root: ByteString;
  readonly #resolved = new Map<string, ByteString>();
  #isReplaced = false;
  readonly #onMissing: (folder: ByteString) => void;

  /** @param onMissing Makes a folder that `parentOf` lacks; the one that it is in is there. */
  constructor(root: ByteString, onMissing: (folder: ByteString) => void) {
    this.root = root;
    this.#onMissing = onMissing;
  }

  forget(): void {
    this.#resolved.clear();
    this.#isReplaced = true;
  }

  /** Whether something but a plain file has been replaced or removed: a path of before may lead elsewhere now. */
  get isReplaced(): boolean {
    return this.#isReplaced;
  }

  /** Notes that `parts` is the folder at `path` itself, so that no walk need find it. */
  found(parts: readonly ByteString[], path: ByteString): void {
    const key = parts.join('/');
    if (this.#isLexical(key, path)) this.#resolved.set(key, path);
  }

  #isLexical(key: string, path: ByteString): boolean {
    return path.length === this.root.length + 1 + key.length && path.endsWith(key);
  }

  /** The folder on disk for all but the last of `parts`; folders that are missing are made (0755). */
  parentOf(parts: readonly ByteString[], name: ByteString): ByteString {
    return this.#folder(parts.slice(0, -1), name, true) as ByteString;
  }

  /** The same, but undefined where a folder is missing. */
  existingParentOf(parts: readonly ByteString[], name: ByteString): ByteString | undefined {
    return this.#folder(parts.slice(0, -1), name, false);
  }

  #folder(parts: readonly ByteString[], name: ByteString, create: boolean): ByteString | undefined {
    if (parts.length === 0) return this.root;
    const key = parts.length === 1 ? (parts[0] as string) : parts.join('/');
    const known = this.#resolved.get(key);
    if (known !== undefined) return known;
    const found = this.#walk(parts, name, create);
    if (found !== undefined) this.#resolved.set(key, found);
    return found;
  }

  #walk(parts: readonly ByteString[], name: ByteString, create: boolean): ByteString | undefined {
    // What is below the root so far, and what is still to walk, in reverse.
    const known = this.#knownFolders(parts);
    const folder = parts.slice(0, known);
    const rest = parts.slice(known).toReversed();
    let links = 0;
    for (let part = rest.pop(); part !== undefined; part = rest.pop()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        folder.pop();
        continue;
      }
      const path = `${this.root}/${[...folder, part].join('/')}` as ByteString;
      const stat = this.#lstat(path, name);
      if (stat === undefined) {
        if (!create) return undefined;
        this.#onMissing(path);
      }
      if (stat?.isSymbolicLink() === true) {
        if (++links > maxLinks) refuseEntry(name, `it leads through more than ${maxLinks} symlinks`);
        const target = byteStringOf(readlinkSync(fsPath(path), 'buffer'));
        if (target.startsWith('/')) folder.length = 0;
        rest.push(...(target.split('/') as ByteString[]).toReversed());
      } else if (stat !== undefined && !stat.isDirectory()) {
        refuseEntry(name, `${JSON.stringify(textOf(part))} in its path is not a folder`);
      } else if (folder.push(part) > maxDepth) checkDepth(folder, name);
    }
    return (folder.length === 0 ? this.root : `${this.root}/${folder.join('/')}`) as ByteString;
  }

  /** How many of the first of `parts` are known folders without a symlink among them: those count for the limit. */
  #knownFolders(parts: readonly ByteString[]): number {
    for (let count = parts.length - 1; count > 0; count--) {
      const key = parts.slice(0, count).join('/');
      const path = this.#resolved.get(key);
      if (path !== undefined) return this.#isLexical(key, path) ? count : 0;
    }
    return 0;
  }

  #lstat(path: ByteString, name: ByteString): Stats | undefined {
    try {
      return lstatOrNothing(path);
    } catch (error) {
      if (systemErrorCode(error) === 'ENAMETOOLONG') refuseEntry(name, 'its path is too long', error);
      throw error;
    }
  }
}
