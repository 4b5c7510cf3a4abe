import {
  chmodSync,
  closeSync,
  constants,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { isHawserError, systemErrorCode } from '../errors/hawser-error.ts';
import type { TarEntry } from '../tar/entry.ts';
import type { TarHandler } from '../tar/parser.ts';
import { type ByteString, byteString, fsPath, textOf } from '../util/byte-string.ts';
import { isInUserNamespace } from '../util/user-namespace.ts';
import { FolderTimes } from './apply-folder-times.ts';
import {
  FileMetadata,
  type MetadataOptions,
  modeAtBirth,
  setFileTime,
  setFolderMetadata,
  setNodeMetadata,
  setXattrs,
} from './apply-metadata.ts';
import {
  EntryPaths,
  entryError,
  entryParts,
  folderCheck,
  lstatOrNothing,
  refuseEntry,
} from './apply-paths.ts';
import { removeExisting, removeTree } from './apply-remove.ts';
import { fsOps } from './fs-ops.ts';
import { opaqueAttribute } from './overlay-mount.ts';
import { isInsideWhiteout, opaqueName, whiteoutPrefix } from './whiteouts.ts';

/** `remove`: whiteouts take away what they name. `overlay`: they become overlayfs's own marks, in an upper folder. */
export type WhiteoutMode = 'remove' | 'overlay';

const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Puts the entries of one layer into a tree, one after the other, synchronously. docs/layer-invariants.md numbers what
 * it keeps. Nothing outside the root is read or changed.
 *
 * All methods throw HawserError LAYER_ENTRY_INVALID (names the entry), NO_SPACE, PERMISSION_DENIED, INTERNAL.
 */
export class LayerApplier implements TarHandler {
  readonly #paths: EntryPaths;
  readonly #whiteouts: WhiteoutMode;
  readonly #metadata: MetadataOptions;
  readonly #files: FileMetadata;
  /** What this layer has written; a set of it costs a tenth of the unpacking, and most layers have no whiteout. */
  #unsorted: ByteString[] = [];
  readonly #writtenPaths = new Set<string>();
  readonly #folderTimes = new FolderTimes();
  #entry: TarEntry | undefined;
  #path: ByteString = byteString('');
  #fd = -1;
  #position = 0;
  #dataEnd = 0;
  #entries = 0;
  #skipped = 0;

  constructor(root: string, options: MetadataOptions & { readonly whiteouts: WhiteoutMode }) {
    const bytes = byteString(root.replace(/\/+$/, '') || '/');
    this.#paths = new EntryPaths(bytes, folder => this.#makeMissing(folder));
    this.#whiteouts = options.whiteouts;
    this.#metadata = options;
    this.#files = new FileMetadata(options);
  }

  get entries(): number {
    return this.#entries;
  }

  /** Devices that could not be made for lack of privilege. */
  get skipped(): number {
    return this.#skipped;
  }

  entry(entry: TarEntry): void {
    this.#entry = entry;
    this.#entries++;
    this.#guard(() => this.#start(entry));
  }

  data(bytes: Buffer): void {
    if (this.#fd < 0) return;
    this.#guard(() => {
      for (let written = 0; written < bytes.length; ) {
        written += writeSync(this.#fd, bytes, written, bytes.length - written, this.#position + written);
      }
    });
    this.#position += bytes.length;
    this.#dataEnd = this.#position;
  }

  hole(length: number): void {
    this.#position += length;
  }

  entryEnd(): void {
    if (this.#fd < 0) return;
    this.#guard(() => this.#endFile(this.#entry as TarEntry));
  }

  /** Sets what had to wait: times of folders, deepest first. Call it after the last entry. */
  finish(): void {
    this.#folderTimes.apply(this.#paths.isReplaced ? folderCheck(this.#paths.root) : () => true);
  }

  /** Gives up an open file. */
  abandon(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      throw entryError(error, this.#entry?.name ?? byteString(''));
    }
  }

  #start(entry: TarEntry): void {
    const parts = entryParts(entry.name);
    const last = parts.at(-1);
    if (last === undefined) return this.#applyRoot(entry);
    if (entry.name.includes('.wh.') && isInsideWhiteout(parts, entry)) return;
    if (last.startsWith(whiteoutPrefix)) return this.#applyWhiteout(parts, entry);
    const parent = this.#paths.parentOf(parts, entry.name);
    this.#folderTimes.keep(parent);
    const path = `${parent}/${last}` as ByteString;
    this.#path = path;
    switch (entry.type) {
      case 'file':
        this.#fd = this.#creating(path, () => openSync(fsPath(path), createFlags, modeAtBirth(entry)));
        this.#position = 0;
        this.#dataEnd = 0;
        break;
      case 'directory':
        this.#makeFolder(path, entry);
        this.#paths.found(parts, path);
        break;
      case 'symlink':
        if (entry.linkname === '') refuseEntry(entry.name, 'it is a symlink to nothing');
        this.#creating(path, () => symlinkSync(fsPath(entry.linkname), fsPath(path)));
        setNodeMetadata(path, entry, this.#metadata);
        break;
      case 'link':
        this.#makeLink(path, entry);
        break;
      default:
        this.#makeNode(path, entry);
    }
    this.#unsorted.push(path);
  }

  #endFile(entry: TarEntry): void {
    const fd = this.#fd;
    try {
      // Only a sparse file ends with a hole.
      if (this.#dataEnd < entry.size) ftruncateSync(fd, entry.size);
      const folder = this.#path.slice(0, this.#path.lastIndexOf('/')) as ByteString;
      this.#files.setOwnerAndMode(fd, folder, entry);
      if (entry.xattrs.size > 0) setXattrs(this.#path, entry, this.#metadata);
      setFileTime(fd, this.#path, entry.mtime);
    } finally {
      this.#fd = -1;
      closeSync(fd);
    }
  }

  /** Makes something new; what is in the way is removed first, a folder with all that is in it. */
  #creating<Result>(path: ByteString, make: () => Result): Result {
    try {
      return make();
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error;
      this.#replace(path);
      return make();
    }
  }

  #replace(path: ByteString): void {
    const stat = lstatSync(fsPath(path));
    removeExisting(path);
    if (!stat.isFile()) this.#paths.forget();
  }

  #makeFolder(path: ByteString, entry: TarEntry): void {
    let isNew = true;
    let hidesLower = false;
    try {
      mkdirSync(fsPath(path), 0o700);
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error;
      const stat = lstatSync(fsPath(path));
      isNew = !stat.isDirectory();
      if (isNew) {
        hidesLower = this.#whiteouts === 'overlay' && stat.isCharacterDevice() && stat.rdev === 0;
        this.#replace(path);
        mkdirSync(fsPath(path), 0o700);
      }
    }
    this.#files.forget();
    setFolderMetadata(path, entry, { ...this.#metadata, isNew });
    if (hidesLower) this.#markOpaque(path);
    this.#folderTimes.set(path, entry.mtime, this.#metadata.isPrivileged ? undefined : entry.mode);
  }

  #applyRoot(entry: TarEntry): void {
    if (entry.type !== 'directory') refuseEntry(entry.name, `the root cannot be a ${entry.type}`);
    this.#files.forget();
    setFolderMetadata(this.#paths.root, entry, { ...this.#metadata, isNew: false });
    this.#folderTimes.set(this.#paths.root, entry.mtime);
  }

  /** The owner, mode, attributes and times of a hard link are those of the file that it names. */
  #makeLink(path: ByteString, entry: TarEntry): void {
    const parts = entryParts(entry.linkname, entry.name);
    const last = parts.at(-1);
    const parent = last === undefined ? undefined : this.#paths.existingParentOf(parts, entry.name);
    const target = parent === undefined ? undefined : (`${parent}/${last}` as ByteString);
    const stat = target === undefined ? undefined : lstatOrNothing(target);
    if (target === undefined || stat === undefined || stat.isDirectory()) {
      refuseEntry(
        entry.name,
        `the target of its hard link, ${JSON.stringify(textOf(entry.linkname))}, is no file`,
      );
    }
    if (target.startsWith(`${path}/`)) refuseEntry(entry.name, 'its hard link is to a file inside itself');
    if (target !== path) this.#creating(path, () => linkSync(fsPath(target), fsPath(path)));
  }

  #makeNode(path: ByteString, entry: TarEntry): void {
    const type = entry.type as 'character-device' | 'block-device' | 'fifo';
    const { devmajor: major, devminor: minor } = entry;
    if (type === 'character-device' && major === 0 && minor === 0) {
      refuseEntry(entry.name, 'a character device 0:0 is a whiteout of overlayfs');
    }
    if (lstatOrNothing(path) !== undefined) this.#replace(path);
    try {
      fsOps.mknod(fsPath(path), { type, mode: 0o600, major, minor });
    } catch (error) {
      const isRoot = this.#metadata.isPrivileged && !isInUserNamespace();
      if (isRoot || !isHawserError(error, 'PERMISSION_DENIED')) throw error;
      this.#skipped++;
      return;
    }
    setNodeMetadata(path, entry, this.#metadata);
  }

  #applyWhiteout(parts: readonly ByteString[], entry: TarEntry): void {
    const last = parts.at(-1) as ByteString;
    const hidden = last.slice(whiteoutPrefix.length) as ByteString;
    // Marks of aufs itself, such as .wh..wh.plnk.
    if (hidden.startsWith(whiteoutPrefix) && last !== opaqueName) return;
    if (hidden === '' || hidden === '.' || hidden === '..')
      refuseEntry(entry.name, 'it hides nothing that has a name');
    const isOverlay = this.#whiteouts === 'overlay';
    const parent = isOverlay
      ? this.#paths.parentOf(parts, entry.name)
      : this.#paths.existingParentOf(parts, entry.name);
    if (parent === undefined) return;
    this.#folderTimes.keep(parent);
    if (last === opaqueName) this.#hideLower(parent);
    else this.#whiteOut(`${parent}/${hidden}` as ByteString);
  }

  /** Hides what lower layers have in a folder, and nothing that this layer has put there. */
  #hideLower(folder: ByteString): void {
    if (this.#whiteouts === 'overlay') this.#markOpaque(folder);
    else {
      this.#paths.forget();
      const written = this.#written;
      removeTree(folder, path => path === folder || written.has(path));
    }
  }

  #whiteOut(path: ByteString): void {
    const stat = lstatOrNothing(path);
    if (this.#written.has(path)) {
      if (stat?.isDirectory() === true) this.#hideLower(path);
    } else if (this.#whiteouts === 'overlay') {
      if (stat === undefined)
        fsOps.mknod(fsPath(path), { type: 'character-device', mode: 0, major: 0, minor: 0 });
    } else if (stat !== undefined) this.#replace(path);
  }

  #markOpaque(folder: ByteString): void {
    fsOps.lsetxattr(fsPath(folder), opaqueAttribute(), Buffer.from('y'));
  }

  /** Paths that this layer has written, and their folders: whiteouts do not hide them. */
  get #written(): ReadonlySet<string> {
    for (const path of this.#unsorted) {
      for (let at = path; at.length > this.#paths.root.length && !this.#writtenPaths.has(at); ) {
        this.#writtenPaths.add(at);
        at = at.slice(0, at.lastIndexOf('/')) as ByteString;
      }
    }
    this.#unsorted = [];
    return this.#writtenPaths;
  }

  #makeMissing(folder: ByteString): void {
    this.#folderTimes.keep(folder.slice(0, folder.lastIndexOf('/')) as ByteString);
    this.#files.forget();
    mkdirSync(fsPath(folder), 0o755);
    // mkdir(2) subtracts the umask.
    chmodSync(fsPath(folder), 0o755);
    this.#unsorted.push(folder);
  }
}
