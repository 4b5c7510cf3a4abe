import type { TarEntry } from '../tar/entry.ts';
import type { ByteString } from '../util/byte-string.ts';

/** Bytes of a file where they lie in the uncompressed layer; `offset` undefined for a hole. */
export interface ContentPart {
  readonly offset: number | undefined;
  readonly length: number;
}

/** A file, whatever its type, apart from its names: what an inode is on a disk. */
export interface TreeFile {
  /** The same for the same file in a tree and in its copies. */
  readonly id: number;
  /** Undefined for a folder that no layer has an entry for. Of a folder the latest. */
  entry: TarEntry | undefined;
  /** The layer that `entry` is of, from 0. */
  layer: number;
  /** Of a folder. */
  readonly children?: Map<ByteString, TreeName>;
  /** Of a plain file that is not empty. */
  parts?: ContentPart[];
  /** Of a plain file's content, where digests were asked for: bytes as Latin-1. */
  contentDigest?: string;
  /** How many names it has. */
  links: number;
  /** The layer that took its last name. */
  hiddenBy?: number;
}

/** A name in a folder. */
export interface TreeName {
  readonly name: ByteString;
  readonly parent: TreeName | undefined;
  file: TreeFile;
  /** The last layer that wrote it or something below it. */
  writtenIn: number;
}

/** The names of a folder in byte order. */
export function sortedNames(folder: TreeFile | undefined): readonly TreeName[] {
  const names = [...(folder?.children?.values() ?? [])];
  return names.sort((left, right) => (left.name < right.name ? -1 : 1));
}

export function rootName(id: number): TreeName {
  const file: TreeFile = { id, entry: undefined, layer: -1, children: new Map(), links: 1 };
  return { name: '' as ByteString, parent: undefined, file, writtenIn: -1 };
}

/** A tree that later changes of the original do not reach. */
export function copyTree(root: TreeName): TreeName {
  const files = new Map<TreeFile, TreeFile>();
  const copy = (from: TreeName, parent: TreeName | undefined): TreeName => {
    let file = files.get(from.file);
    if (file === undefined) {
      file = { ...from.file, ...(from.file.children === undefined ? {} : { children: new Map() }) };
      files.set(from.file, file);
    }
    const to: TreeName = { ...from, parent, file };
    for (const child of from.file.children?.values() ?? []) {
      file.children?.set(child.name, copy(child, to));
    }
    return to;
  };
  return copy(root, undefined);
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
