import type { ByteString } from '../util/byte-string.ts';
import { textOf } from '../util/byte-string.ts';
import { maxDepth, maxLinks, refuseEntry } from './apply-paths.ts';
import type { ImageTree } from './image-tree.ts';
import { type Branch, rootIndex } from './tree-names.ts';

/** Folders that are found without a walk. */
const maxFound = 10_000;

/** Finds folders, by the numbers of their names, in a tree as `EntryPaths` does on a disk: symlinks lead on inside the root. A6, A16 */
export class TreePaths {
  readonly #tree: ImageTree;
  readonly #branch: Branch;
  readonly #onMissing: (parent: number, name: ByteString) => number;
  readonly #found = new Map<string, number>();

  /** @param onMissing Makes a folder that `parentOf` lacks. */
  constructor(tree: ImageTree, branch: Branch, onMissing: (parent: number, name: ByteString) => number) {
    this.#tree = tree;
    this.#branch = branch;
    this.#onMissing = onMissing;
  }

  /** Call it when a folder or a symlink was replaced. */
  forget(): void {
    this.#found.clear();
  }

  parentOf(parts: readonly ByteString[], entry: ByteString): number {
    return this.#folder(parts.slice(0, -1), entry, true) as number;
  }

  /** Undefined where a folder is missing. */
  existingParentOf(parts: readonly ByteString[], entry: ByteString): number | undefined {
    return this.#folder(parts.slice(0, -1), entry, false);
  }

  #folder(parts: readonly ByteString[], entry: ByteString, create: boolean): number | undefined {
    const key = parts.join('/');
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    const found = this.#walk(parts, entry, create);
    if (this.#found.size >= maxFound) this.#found.clear();
    if (found !== undefined) this.#found.set(key, found);
    return found;
  }

  #walk(parts: readonly ByteString[], entry: ByteString, create: boolean): number | undefined {
    const { files, names } = this.#tree;
    const rest = parts.toReversed();
    let at = rootIndex;
    let links = 0;
    let depth = 0;
    for (let part = rest.pop(); part !== undefined; part = rest.pop()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        if (at !== rootIndex) depth--;
        at = names.parentOf(at);
        continue;
      }
      let next = names.find(at, part, this.#branch);
      if (next === undefined) {
        if (!create) return undefined;
        next = this.#onMissing(at, part);
      }
      const file = names.fileOf(next);
      const target = files.linkOf(file);
      if (target !== undefined) {
        if (++links > maxLinks) refuseEntry(entry, `it leads through more than ${maxLinks} symlinks`);
        if (target.startsWith('/')) [at, depth] = [rootIndex, 0];
        rest.push(...(target.split('/') as ByteString[]).toReversed());
      } else if (!files.isFolder(file)) {
        refuseEntry(entry, `${JSON.stringify(textOf(part))} in its path is not a folder`);
      } else {
        at = next;
        if (++depth > maxDepth) refuseEntry(entry, `it lies more than ${maxDepth} folders deep`);
      }
    }
    return at;
  }
}
