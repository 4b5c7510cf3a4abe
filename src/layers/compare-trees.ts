import type { ByteString } from '../util/byte-string.ts';
import { metadataChanges, sortedNames, type TreeFile, type TreeName } from './image-tree.ts';

/** `A` added, `C` changed, `D` removed, as `docker diff` has it. */
export interface TreeChange {
  readonly kind: 'A' | 'C' | 'D';
  /** From the root, which is itself empty. */
  readonly path: ByteString;
  readonly before?: TreeFile;
  readonly after?: TreeFile;
  /** For `C`: of type, mode, owner, size, content, target, device, attributes, time. */
  readonly what: readonly string[];
}

export interface CompareOptions {
  /** Whether times alone make no change. */
  readonly ignoreTimes?: boolean;
}

function changesOf(before: TreeFile, after: TreeFile, options: CompareOptions): readonly string[] {
  if (before.id === after.id && before.entry === after.entry) return [];
  const isFolder = before.children !== undefined;
  if (isFolder !== (after.children !== undefined)) return ['type'];
  if (before.entry === undefined || after.entry === undefined) return [];
  const changed = metadataChanges(before.entry, after.entry);
  if (changed.includes('type')) return ['type'];
  // The time of a folder changes with what is in it, and that is told.
  const isTimeTold = !isFolder && options.ignoreTimes !== true;
  const what = changed.filter(name => name !== 'time' || isTimeTold);
  return before.contentDigest === after.contentDigest ? what : [...what, 'content'];
}

/**
 * What makes `after` of `before`, in byte order folder by folder. Of a removed folder only itself is told, of an added
 * one all that is in it. Both trees have content digests, or the same files by `copyTree`.
 */
export function* compareTrees(
  before: TreeName,
  after: TreeName,
  options: CompareOptions = {},
): Generator<TreeChange, void> {
  const what = changesOf(before.file, after.file, options);
  if (what.length > 0) {
    yield { kind: 'C', path: '' as ByteString, before: before.file, after: after.file, what };
  }
  yield* compareFolders(before, after, { ...options, path: '' as ByteString });
}

function* compareFolders(
  before: TreeName | undefined,
  after: TreeName,
  options: CompareOptions & { readonly path: ByteString },
): Generator<TreeChange, void> {
  const names = new Map(
    sortedNames(before?.file).map(name => [name.name, undefined as TreeName | undefined]),
  );
  for (const name of sortedNames(after.file)) names.set(name.name, name);
  for (const name of [...names.keys()].sort()) {
    const path = (options.path === '' ? name : `${options.path}/${name}`) as ByteString;
    const [old, now] = [before?.file.children?.get(name), names.get(name)];
    if (now === undefined) {
      if (old !== undefined) yield { kind: 'D', path, before: old.file, what: [] };
      continue;
    }
    if (old === undefined) yield { kind: 'A', path, after: now.file, what: [] };
    else {
      const what = changesOf(old.file, now.file, options);
      if (what.length > 0) yield { kind: 'C', path, before: old.file, after: now.file, what };
    }
    if (now.file.children === undefined) continue;
    yield* compareFolders(old?.file.children === undefined ? undefined : old, now, { ...options, path });
  }
}
