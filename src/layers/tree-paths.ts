import type { ByteString } from '../util/byte-string.ts';
import { textOf } from '../util/byte-string.ts';
import { maxDepth, maxLinks, refuseEntry } from './apply-paths.ts';
import type { TreeName } from './image-tree.ts';

/** Finds folders in a tree of names as `EntryPaths` does on a disk: symlinks lead on inside the root. A6, A16 */
export class TreePaths {
  readonly #root: TreeName;
  readonly #onMissing: (parent: TreeName, name: ByteString) => TreeName;
  readonly #found = new Map<string, TreeName>();

  /** @param onMissing Makes a folder that `parentOf` lacks. */
  constructor(root: TreeName, onMissing: (parent: TreeName, name: ByteString) => TreeName) {
    this.#root = root;
    this.#onMissing = onMissing;
  }

  /** Call it when a folder or a symlink was replaced. */
  forget(): void {
    this.#found.clear();
  }

  parentOf(parts: readonly ByteString[], entry: ByteString): TreeName {
    return this.#folder(parts.slice(0, -1), entry, true) as TreeName;
  }

  /** Undefined where a folder is missing. */
  existingParentOf(parts: readonly ByteString[], entry: ByteString): TreeName | undefined {
    return this.#folder(parts.slice(0, -1), entry, false);
  }

  #folder(parts: readonly ByteString[], entry: ByteString, create: boolean): TreeName | undefined {
    const key = parts.join('/');
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    const found = this.#walk(parts, entry, create);
    if (found !== undefined) this.#found.set(key, found);
    return found;
  }

  #walk(parts: readonly ByteString[], entry: ByteString, create: boolean): TreeName | undefined {
    const rest = parts.toReversed();
    let at = this.#root;
    let links = 0;
    let depth = 0;
    for (let part = rest.pop(); part !== undefined; part = rest.pop()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        if (at.parent !== undefined) depth--;
        at = at.parent ?? this.#root;
        continue;
      }
      let next = at.file.children?.get(part);
      if (next === undefined) {
        if (!create) return undefined;
        next = this.#onMissing(at, part);
      }
      if (next.file.entry?.type === 'symlink') {
        if (++links > maxLinks) refuseEntry(entry, `it leads through more than ${maxLinks} symlinks`);
        const target = next.file.entry.linkname;
        if (target.startsWith('/')) [at, depth] = [this.#root, 0];
        rest.push(...(target.split('/') as ByteString[]).toReversed());
      } else if (next.file.children === undefined) {
        refuseEntry(entry, `${JSON.stringify(textOf(part))} in its path is not a folder`);
      } else {
        at = next;
        if (++depth > maxDepth) refuseEntry(entry, `it lies more than ${maxDepth} folders deep`);
      }
    }
    return at;
  }
}
