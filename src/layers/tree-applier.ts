import { createHash, type Hash } from 'node:crypto';
import type { TarEntry, TarTime } from '../tar/entry.ts';
import type { TarHandler } from '../tar/parser.ts';
import { type ByteString, textOf } from '../util/byte-string.ts';
import { entryParts, refuseEntry } from './apply-paths.ts';
import { rootName, type TreeFile, type TreeName } from './image-tree.ts';
import { TreePaths } from './tree-paths.ts';
import { isInsideWhiteout, opaqueName, whiteoutPrefix } from './whiteouts.ts';

const zeros = Buffer.alloc(64 * 1024);

/** Told of what an image's layers hold, whether it lasts or not. */
export interface TreeObserver {
  /** An entry made a file, not a folder. */
  made?(file: TreeFile): void;
  whiteout?(): void;
}

/**
 * Applies layers to a tree in memory as `LayerApplier` does on a disk, by the same invariants (A1–A9, A16), so that what
 * an image holds is known without unpacking it. Contents are not kept, but where they lie in their layer.
 *
 * All methods throw HawserError LAYER_ENTRY_INVALID, which names the entry.
 */
export class TreeApplier implements TarHandler {
  root: TreeName;
  readonly #observer: TreeObserver;
  readonly #digests: boolean;
  #paths: TreePaths;
  #layer = -1;
  #nextID = 0;
  #file: TreeFile | undefined;
  #hash: Hash | undefined;
  /** Of the last entry. */
  #time: TarTime = { seconds: 0, nanoseconds: 0 };
  #locate: (bytes: Buffer) => number = () => 0;

  /** @param options.digests Whether to hash the content of files. */
  constructor(options: { readonly digests?: boolean; readonly observer?: TreeObserver } = {}) {
    this.#observer = options.observer ?? {};
    this.#digests = options.digests === true;
    this.root = rootName(this.#nextID++);
    this.#paths = this.#pathsOf(this.root);
  }

  #pathsOf(root: TreeName): TreePaths {
    return new TreePaths(root, (parent, name) => this.#make(parent, name, this.#folder(undefined)));
  }

  /** Goes on in another tree, a copy of its own. */
  continueOn(root: TreeName): void {
    this.root = root;
    this.#paths = this.#pathsOf(root);
  }

  /** @param locate The offset in the uncompressed layer of bytes that `data` is given. */
  beginLayer(layer: number, locate: (bytes: Buffer) => number): void {
    this.#layer = layer;
    this.#locate = locate;
  }

  entry(entry: TarEntry): void {
    this.#file = undefined;
    this.#hash = undefined;
    const parts = entryParts(entry.name);
    const last = parts.at(-1);
    if (last === undefined) return this.#applyRoot(entry);
    if (entry.name.includes('.wh.') && isInsideWhiteout(parts, entry)) return;
    if (last.startsWith(whiteoutPrefix)) return this.#applyWhiteout(parts, entry);
    const parent = this.#paths.parentOf(parts, entry.name);
    if (entry.type === 'directory') this.#applyFolder(parent, last, entry);
    else if (entry.type === 'link') this.#applyLink(parent, last, entry);
    else this.#applyFile(parent, last, entry);
  }

  data(bytes: Buffer): void {
    if (this.#file === undefined) return;
    this.#hash?.update(bytes);
    this.#addPart(this.#file, this.#locate(bytes), bytes.length);
  }

  hole(length: number): void {
    if (this.#file === undefined) return;
    for (let left = length; left > 0 && this.#hash !== undefined; left -= zeros.length) {
      this.#hash.update(left < zeros.length ? zeros.subarray(0, left) : zeros);
    }
    this.#addPart(this.#file, undefined, length);
  }

  entryEnd(): void {
    if (this.#file !== undefined && this.#hash !== undefined) {
      this.#file.contentDigest = this.#hash.digest('binary');
    }
    this.#file = undefined;
  }

  #addPart(file: TreeFile, offset: number | undefined, length: number): void {
    const { parts } = file;
    const last = parts?.at(-1);
    const follows = last?.offset === undefined ? offset === undefined : last.offset + last.length === offset;
    // An array that is made with its one part takes a tenth of one that grows.
    if (parts === undefined || last === undefined) file.parts = [{ offset, length }];
    else if (follows) parts[parts.length - 1] = { ...last, length: last.length + length };
    else parts.push({ offset, length });
  }

  /** A tree may have a million files: equal times are one. */
  #kept(entry: TarEntry): TarEntry {
    const { seconds, nanoseconds } = this.#time;
    if (entry.mtime.seconds !== seconds || entry.mtime.nanoseconds !== nanoseconds) this.#time = entry.mtime;
    return { ...entry, mtime: this.#time };
  }

  #applyRoot(entry: TarEntry): void {
    if (entry.type !== 'directory') refuseEntry(entry.name, `the root cannot be a ${entry.type}`);
    Object.assign(this.root.file, { entry, layer: this.#layer });
  }

  #applyFolder(parent: TreeName, name: ByteString, entry: TarEntry): void {
    const found = parent.file.children?.get(name);
    if (found?.file.children === undefined) this.#make(parent, name, this.#folder(entry));
    else {
      Object.assign(found.file, { entry, layer: this.#layer });
      this.#markWritten(found);
    }
  }

  #applyFile(parent: TreeName, name: ByteString, entry: TarEntry): void {
    const { type, devmajor, devminor } = entry;
    if (type === 'symlink' && entry.linkname === '') refuseEntry(entry.name, 'it is a symlink to nothing');
    if (type === 'character-device' && devmajor === 0 && devminor === 0) {
      refuseEntry(entry.name, 'a character device 0:0 is a whiteout of overlayfs');
    }
    const file: TreeFile = { id: this.#nextID++, entry: this.#kept(entry), layer: this.#layer, links: 0 };
    this.#make(parent, name, file);
    this.#observer.made?.(file);
    if (type !== 'file') return;
    this.#file = file;
    if (this.#digests) this.#hash = createHash('sha256');
  }

  #applyLink(parent: TreeName, name: ByteString, entry: TarEntry): void {
    const parts = entryParts(entry.linkname, entry.name);
    const last = parts.at(-1);
    const folder = last === undefined ? undefined : this.#paths.existingParentOf(parts, entry.name);
    const target = folder?.file.children?.get(last as ByteString);
    if (target === undefined || target.file.children !== undefined) {
      const quoted = JSON.stringify(textOf(entry.linkname));
      refuseEntry(entry.name, `the target of its hard link, ${quoted}, is no file`);
    }
    const present = parent.file.children?.get(name);
    for (let at = target.parent; at !== undefined; at = at.parent) {
      if (at === present) refuseEntry(entry.name, 'its hard link is to a file inside itself');
    }
    if (present === target) this.#markWritten(target);
    else this.#make(parent, name, target.file);
  }

  #applyWhiteout(parts: readonly ByteString[], entry: TarEntry): void {
    const last = parts.at(-1) as ByteString;
    const hidden = last.slice(whiteoutPrefix.length) as ByteString;
    if (hidden.startsWith(whiteoutPrefix) && last !== opaqueName) return;
    if (hidden === '' || hidden === '.' || hidden === '..')
      refuseEntry(entry.name, 'it hides nothing that has a name');
    this.#observer.whiteout?.();
    const parent = this.#paths.existingParentOf(parts, entry.name);
    if (parent === undefined) return;
    if (last === opaqueName) return this.#hideLower(parent);
    const found = parent.file.children?.get(hidden);
    if (found === undefined) return;
    if (found.writtenIn !== this.#layer) this.#remove(found);
    else if (found.file.children !== undefined) this.#hideLower(found);
  }

  /** Takes away what lower layers have in a folder, and nothing of this layer's. A2, A3 */
  #hideLower(folder: TreeName): void {
    // What a map loses while it is walked does not disturb the walk.
    for (const child of folder.file.children?.values() ?? []) {
      if (child.writtenIn !== this.#layer) this.#remove(child);
      else if (child.file.children !== undefined) this.#hideLower(child);
    }
  }

  #remove(name: TreeName): void {
    name.parent?.file.children?.delete(name.name);
    if (name.file.entry?.type !== 'file') this.#paths.forget();
    this.#unlink(name.file);
  }

  #unlink(file: TreeFile): void {
    file.links--;
    if (file.links > 0) return;
    file.hiddenBy = this.#layer;
    for (const child of file.children?.values() ?? []) this.#unlink(child.file);
  }

  #folder(entry: TarEntry | undefined): TreeFile {
    return { id: this.#nextID++, entry, layer: this.#layer, children: new Map(), links: 0 };
  }

  #make(parent: TreeName, name: ByteString, file: TreeFile): TreeName {
    file.links++;
    const present = parent.file.children?.get(name);
    if (present !== undefined) this.#remove(present);
    const made: TreeName = { name, parent, file, writtenIn: this.#layer };
    parent.file.children?.set(name, made);
    this.#markWritten(made);
    return made;
  }

  #markWritten(name: TreeName): void {
    name.writtenIn = this.#layer;
    for (let at = name.parent; at !== undefined && at.writtenIn !== this.#layer; at = at.parent) {
      at.writtenIn = this.#layer;
    }
  }
}
