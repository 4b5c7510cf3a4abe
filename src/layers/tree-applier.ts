import { createHash, type Hash, hash } from 'node:crypto';
import type { TarEntry } from '../tar/entry.ts';
import type { TarHandler } from '../tar/parser.ts';
import { type ByteString, textOf } from '../util/byte-string.ts';
import { uint32Column } from '../util/columns.ts';
import { entryParts, refuseEntry } from './apply-paths.ts';
import { ImageTree } from './image-tree.ts';
import type { ContentPart } from './tree-files.ts';
import { type Branch, rootIndex } from './tree-names.ts';
import { TreePaths } from './tree-paths.ts';
import { isInsideWhiteout, opaqueName, whiteoutPrefix } from './whiteouts.ts';

const zeros = Buffer.alloc(64 * 1024);

/** Told of what an image's layers hold, whether it lasts or not. */
export interface TreeObserver {
  /** An entry made a file, not a folder; `name` is its first. Both are numbers in the tree. */
  makes?(file: number, name: number): void;
  /** A file or a folder has lost its last name. */
  hides?(file: number): void;
  whiteout?(): void;
}

/**
 * Applies layers to a tree in memory as `LayerApplier` does on a disk, by the same invariants (A1–A9, A16), so that what
 * an image holds is known without unpacking it. Contents are not kept, but where they lie in their layer.
 *
 * All methods throw HawserError LAYER_ENTRY_INVALID, which names the entry.
 */
export class TreeApplier implements TarHandler {
  readonly tree = new ImageTree();
  readonly #observer: TreeObserver;
  readonly #digests: boolean;
  #branch: Branch = 0;
  #paths: TreePaths;
  #layer = -1;
  /** Counts layers of all branches, from 1: in which one a name, or something below it, was last written. */
  #turn = 0;
  readonly #written = uint32Column();
  #file: number | undefined;
  #parts: ContentPart[] = [];
  /** Of the file that is read: its bytes, what hashes them where they come in pieces, and what came of it. */
  #size = 0;
  #hashing: Hash | undefined;
  #digest: string | undefined;
  #locate: (bytes: Buffer) => number = () => 0;

  /** @param options.digests Whether to hash the content of files. */
  constructor(options: { readonly digests?: boolean; readonly observer?: TreeObserver } = {}) {
    this.#observer = options.observer ?? {};
    this.#digests = options.digests === true;
    this.#paths = this.#newPaths();
  }

  #newPaths(): TreePaths {
    return new TreePaths(this.tree, this.#branch, (parent, name) =>
      this.#make(parent, name, this.tree.files.add(undefined, this.#layer)),
    );
  }

  /** From now on what comes changes another tree, made of branch 0; those before stay as they are. */
  begin(branch: Branch): void {
    this.#branch = branch;
    this.#paths = this.#newPaths();
  }

  /** @param locate The offset in the uncompressed layer of bytes that `data` is given. */
  beginLayer(layer: number, locate: (bytes: Buffer) => number): void {
    this.#layer = layer;
    this.#turn++;
    this.#locate = locate;
  }

  entry(entry: TarEntry): void {
    this.#file = undefined;
    this.#hashing = undefined;
    this.#digest = undefined;
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
    // Most files come in one piece, and a hash that is fed piece by piece costs more than theirs.
    if (this.#digests && bytes.length === this.#size) this.#digest = hash('sha256', bytes, 'binary');
    else this.#hash()?.update(bytes);
    this.#addPart(this.#locate(bytes), bytes.length);
  }

  hole(length: number): void {
    if (this.#file === undefined) return;
    const hashing = this.#hash();
    for (let left = hashing === undefined ? 0 : length; left > 0; left -= zeros.length) {
      hashing?.update(left < zeros.length ? zeros.subarray(0, left) : zeros);
    }
    this.#addPart(undefined, length);
  }

  entryEnd(): void {
    if (this.#file === undefined) return;
    const digest = this.#digest ?? this.#hash()?.digest('binary');
    this.tree.files.setContent(this.#file, this.#parts, digest as ByteString | undefined);
    this.#file = undefined;
  }

  #hash(): Hash | undefined {
    if (this.#digests) this.#hashing ??= createHash('sha256');
    return this.#hashing;
  }

  #addPart(offset: number | undefined, length: number): void {
    const last = this.#parts.at(-1);
    const follows = last?.offset === undefined ? offset === undefined : last.offset + last.length === offset;
    if (last === undefined || !follows) this.#parts.push({ offset, length });
    else this.#parts[this.#parts.length - 1] = { ...last, length: last.length + length };
  }

  #child(folder: number, name: ByteString): number | undefined {
    return this.tree.names.find(folder, name, this.#branch);
  }

  #isFolder(name: number): boolean {
    return this.tree.files.isFolder(this.tree.names.fileOf(name));
  }

  #applyRoot(entry: TarEntry): void {
    if (entry.type !== 'directory') refuseEntry(entry.name, `the root cannot be a ${entry.type}`);
    this.tree.setFolder(rootIndex, this.#branch, { entry, layer: this.#layer });
  }

  #applyFolder(parent: number, name: ByteString, entry: TarEntry): void {
    const found = this.#child(parent, name);
    if (found === undefined || !this.#isFolder(found)) {
      this.#make(parent, name, this.tree.files.add(entry, this.#layer));
    } else {
      this.tree.setFolder(found, this.#branch, { entry, layer: this.#layer });
      this.#markWritten(found);
    }
  }

  #applyFile(parent: number, name: ByteString, entry: TarEntry): void {
    const { type, devmajor, devminor } = entry;
    if (type === 'symlink' && entry.linkname === '') refuseEntry(entry.name, 'it is a symlink to nothing');
    if (type === 'character-device' && devmajor === 0 && devminor === 0) {
      refuseEntry(entry.name, 'a character device 0:0 is a whiteout of overlayfs');
    }
    const file = this.tree.files.add(entry, this.#layer);
    const made = this.#make(parent, name, file);
    this.#observer.makes?.(file, made);
    if (type !== 'file') return;
    this.#file = file;
    this.#parts = [];
    this.#size = entry.size;
  }

  #applyLink(parent: number, name: ByteString, entry: TarEntry): void {
    const parts = entryParts(entry.linkname, entry.name);
    const last = parts.at(-1);
    const folder = last === undefined ? undefined : this.#paths.existingParentOf(parts, entry.name);
    const target = folder === undefined ? undefined : this.#child(folder, last as ByteString);
    if (target === undefined || this.#isFolder(target)) {
      const quoted = JSON.stringify(textOf(entry.linkname));
      refuseEntry(entry.name, `the target of its hard link, ${quoted}, is no file`);
    }
    const { names } = this.tree;
    const present = this.#child(parent, name);
    for (let at = names.parentOf(target); at !== rootIndex; at = names.parentOf(at)) {
      if (at === present) refuseEntry(entry.name, 'its hard link is to a file inside itself');
    }
    if (present === target) this.#markWritten(target);
    else this.#make(parent, name, names.fileOf(target));
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
    const found = this.#child(parent, hidden);
    if (found === undefined) return;
    if (this.#written.get(found) !== this.#turn) this.#remove(found);
    else if (this.#isFolder(found)) this.#hideLower(found);
  }

  /** Takes away what lower layers have in a folder, and nothing of this layer's. A2, A3 */
  #hideLower(folder: number): void {
    for (const child of this.tree.names.childrenOf(folder, this.#branch)) {
      if (this.#written.get(child) !== this.#turn) this.#remove(child);
      else if (this.#isFolder(child)) this.#hideLower(child);
    }
  }

  #remove(name: number): void {
    const { files, names } = this.tree;
    const file = names.fileOf(name);
    names.remove(name, this.#branch);
    if (files.isFolder(file) || files.linkOf(file) !== undefined) this.#paths.forget();
    this.#unlink(name);
  }

  #unlink(name: number): void {
    const { files, names } = this.tree;
    const file = names.fileOf(name);
    if (files.addLinks(file, -1) > 0) return;
    this.#observer.hides?.(file);
    if (!files.isFolder(file)) return;
    for (const child of names.childrenOf(name, this.#branch)) this.#unlink(child);
  }

  #make(parent: number, text: ByteString, file: number): number {
    const { files, names } = this.tree;
    files.addLinks(file, 1);
    const present = this.#child(parent, text);
    if (present !== undefined) this.#remove(present);
    const made = names.add(parent, { text, file, branch: this.#branch });
    this.#markWritten(made);
    return made;
  }

  #markWritten(name: number): void {
    const { names } = this.tree;
    this.#written.set(name, this.#turn);
    for (let at = name; at !== rootIndex; ) {
      at = names.parentOf(at);
      if (this.#written.get(at) === this.#turn) return;
      this.#written.set(at, this.#turn);
    }
  }
}
