import { type TarEntry, tarEntry } from '../tar/entry.ts';
import type { ByteString } from '../util/byte-string.ts';
import { metadataChanges, type TreeFile, type TreeName } from './image-tree.ts';
import { whiteoutPrefix } from './whiteouts.ts';

/** An entry of a merged layer, and the file whose content it has. */
export interface MergedItem {
  readonly entry: TarEntry;
  readonly content?: TreeFile;
}

function joined(folder: ByteString, name: ByteString): ByteString {
  return (folder === '' ? name : `${folder}/${name}`) as ByteString;
}

/** The names of files with several that a merged layer leaves alone: others can be linked to them. */
function keptNames(base: TreeName, merged: TreeName): ReadonlyMap<number, ByteString> {
  const kept = new Map<number, ByteString>();
  const visit = (lower: TreeName, upper: TreeName) => {
    for (const name of upper.children()) {
      const { file } = name;
      if (!file.isFolder && file.links < 2) continue;
      const below = lower.child(name.name);
      if (below === undefined) continue;
      if (file.isFolder) {
        if (below.file.isFolder) visit(below, name);
      } else if (file.id === below.file.id && !kept.has(file.id)) kept.set(file.id, name.path);
    }
  };
  visit(base, merged);
  return kept;
}

class Merge {
  /** Of files with several names the one that the layer has written or that lies below it. */
  readonly #names: Map<number, ByteString>;

  constructor(base: TreeName, merged: TreeName) {
    this.#names = new Map(keptNames(base, merged));
  }

  *folder(base: TreeName | undefined, merged: TreeName, path: ByteString): Generator<MergedItem, void> {
    for (const lower of base?.children() ?? []) {
      if (merged.child(lower.name) !== undefined) continue;
      const name = joined(path, `${whiteoutPrefix}${lower.name}` as ByteString);
      yield { entry: tarEntry({ type: 'file', name, mode: 0 }) };
    }
    for (const name of merged.children()) {
      const lower = base?.child(name.name);
      const { file } = name;
      if (!file.isFolder) {
        if (lower?.file.id !== file.id) yield this.#file(file, joined(path, name.name));
      } else yield* this.#subfolder(lower, name, joined(path, name.name));
    }
  }

  *#subfolder(lower: TreeName | undefined, merged: TreeName, path: ByteString): Generator<MergedItem, void> {
    const base = lower?.file.isFolder === true ? lower : undefined;
    const own = folderEntry(base, merged, path);
    let told = own === undefined;
    if (own !== undefined && isOwnChange(base, merged)) {
      told = true;
      yield { entry: own };
    }
    for (const item of this.folder(base, merged, path)) {
      if (!told && own !== undefined) yield { entry: own };
      told = true;
      yield item;
    }
  }

  #file(file: TreeFile, name: ByteString): MergedItem {
    const entry = file.entryAs(name) as TarEntry;
    if (file.links > 1) {
      const first = this.#names.get(file.id);
      if (first !== undefined) return { entry: linkOf(entry, first) };
      this.#names.set(file.id, name);
    }
    return entry.size > 0 ? { entry, content: file } : { entry };
  }
}

/** Undefined for a folder of lower layers that none of them has an entry for: an entry would change its time. */
function folderEntry(base: TreeName | undefined, merged: TreeName, name: ByteString): TarEntry | undefined {
  const entry = merged.file.entryAs(name);
  if (entry !== undefined) return entry;
  return base?.file.id === merged.file.id ? undefined : tarEntry({ type: 'directory', name });
}

/** Whether a folder is new or has other metadata than below, its time included. */
function isOwnChange(base: TreeName | undefined, merged: TreeName): boolean {
  if (base === undefined) return true;
  const [before, after] = [base.file.entry, merged.file.entry];
  if (before !== undefined && after !== undefined) return metadataChanges(before, after).length > 0;
  return (before === undefined) !== (after === undefined) || base.file.id !== merged.file.id;
}

function linkOf(entry: TarEntry, linkname: ByteString): TarEntry {
  return { ...entry, type: 'link', linkname, size: 0, devmajor: 0, devminor: 0 };
}

/**
 * The entries of the one layer that makes `merged` of `base`, in the canonical order: docs/layer-invariants.md, M1–M6.
 * Both are branches of one tree, `merged` the later one.
 */
export function* mergeTree(base: TreeName, merged: TreeName): Generator<MergedItem, void> {
  const { entry } = merged.file;
  if (entry !== undefined && isOwnChange(base, merged)) {
    yield { entry: { ...entry, name: '.' as ByteString } };
  }
  yield* new Merge(base, merged).folder(base, merged, '' as ByteString);
}
