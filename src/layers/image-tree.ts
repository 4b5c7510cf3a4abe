import type { TarEntry } from '../tar/entry.ts';
import type { ByteString } from '../util/byte-string.ts';
import { type ContentPart, TreeFiles } from './tree-files.ts';
import { type Branch, rootIndex, TreeNames } from './tree-names.ts';

/** What an image holds, in memory; folders that a branch gave other metadata have another entry there. */
export class ImageTree {
  readonly files = new TreeFiles();
  readonly names = new TreeNames();
  /** By branch, the files whose entries stand for those of folders that came first. */
  readonly #entries: readonly Map<number, number>[] = [new Map(), new Map(), new Map()];

  constructor() {
    this.files.add(undefined, -1);
    this.files.addLinks(rootIndex, 1);
  }

  /** The file whose entry is that of `file` in a branch. */
  entryFile(file: number, branch: Branch): number {
    return this.#entries[branch]?.get(file) ?? file;
  }

  /** Gives a folder another entry. */
  setFolder(name: number, branch: Branch, from: { readonly entry: TarEntry; readonly layer: number }): void {
    const { entry, layer } = from;
    const file = this.names.fileOf(name);
    const known = this.names.bornIn(name) === branch ? file : this.#entries[branch]?.get(file);
    if (known !== undefined) this.files.set(known, entry, layer);
    else this.#entries[branch]?.set(file, this.files.add(entry, layer));
  }

  root(branch: Branch): TreeName {
    return new TreeName(this, rootIndex, branch);
  }
}

/** A name in a folder of one branch: a view that is made anew each time. */
export class TreeName {
  readonly #tree: ImageTree;
  readonly #index: number;
  readonly #branch: Branch;

  constructor(tree: ImageTree, index: number, branch: Branch) {
    this.#tree = tree;
    this.#index = index;
    this.#branch = branch;
  }

  get name(): ByteString {
    return this.#tree.names.textOf(this.#index);
  }

  /** From the root, which is itself empty. */
  get path(): ByteString {
    return this.#tree.names.pathOf(this.#index);
  }

  get file(): TreeFile {
    return new TreeFile(this.#tree, this.#tree.names.fileOf(this.#index), this.#branch);
  }

  child(name: ByteString): TreeName | undefined {
    const found = this.#tree.names.find(this.#index, name, this.#branch);
    return found === undefined ? undefined : new TreeName(this.#tree, found, this.#branch);
  }

  /** The names in a folder, in byte order. */
  *children(): Generator<TreeName, void> {
    for (const index of this.#tree.names.sortedChildrenOf(this.#index, this.#branch)) {
      yield new TreeName(this.#tree, index, this.#branch);
    }
  }
}

/** A file, whatever its type, apart from its names: what an inode is on a disk. A view, as `TreeName`. */
export class TreeFile {
  /** The same for the same file in all branches. */
  readonly id: number;
  readonly #files: TreeFiles;
  readonly #entryFile: number;

  constructor(tree: ImageTree, id: number, branch: Branch) {
    this.id = id;
    this.#files = tree.files;
    this.#entryFile = tree.entryFile(id, branch);
  }

  get isFolder(): boolean {
    return this.#files.isFolder(this.id);
  }

  /** Without a name. Undefined for a folder that no layer has an entry for; of a folder the latest. */
  get entry(): TarEntry | undefined {
    return this.entryAs('' as ByteString);
  }

  /** The same with a name. */
  entryAs(name: ByteString): TarEntry | undefined {
    return this.#files.entryOf(this.#entryFile, name);
  }

  /** The layer that `entry` is of, from 0. */
  get layer(): number {
    return this.#files.layerOf(this.#entryFile);
  }

  get size(): number {
    return this.#files.sizeOf(this.id);
  }

  /** How many names it has, in the branch that came last. */
  get links(): number {
    return this.#files.linksOf(this.id);
  }

  /** Of a plain file. */
  get parts(): readonly ContentPart[] {
    return this.#files.partsOf(this.id);
  }

  /** Of a plain file's content, where digests were asked for: bytes as Latin-1. */
  get contentDigest(): ByteString | undefined {
    return this.#files.digestOf(this.id);
  }

  /** Whether it is the same file, with the same entry. */
  isSame(other: TreeFile): boolean {
    return this.#entryFile === other.#entryFile && this.id === other.id;
  }
}

function sameXattrs(left: TarEntry['xattrs'], right: TarEntry['xattrs']): boolean {
  if (left.size !== right.size) return false;
  for (const [name, value] of left) {
    const other = right.get(name);
    if (other === undefined || Buffer.compare(value, other) !== 0) return false;
  }
  return true;
}

/** What of its metadata tells two entries apart, names aside. */
export function metadataChanges(left: TarEntry, right: TarEntry): readonly string[] {
  if (left === right) return [];
  const changed: string[] = [];
  if (left.type !== right.type) changed.push('type');
  if (left.mode !== right.mode) changed.push('mode');
  if (left.uid !== right.uid || left.gid !== right.gid) changed.push('owner');
  if (left.size !== right.size) changed.push('size');
  if (left.devmajor !== right.devmajor || left.devminor !== right.devminor) changed.push('device');
  if (left.type === 'symlink' && right.type === 'symlink' && left.linkname !== right.linkname) {
    changed.push('target');
  }
  if (!sameXattrs(left.xattrs, right.xattrs)) changed.push('attributes');
  const [a, b] = [left.mtime, right.mtime];
  if (a.seconds !== b.seconds || a.nanoseconds !== b.nanoseconds) changed.push('time');
  return changed;
}
