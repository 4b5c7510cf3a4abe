import type { ByteString } from '../util/byte-string.ts';
import { metadataChanges, type TreeFile, type TreeName } from './image-tree.ts';

/** One path that differs. There may be millions: but for the names all is found anew each time. */
export class TreeChange {
  readonly #before: TreeName | undefined;
  readonly #after: TreeName | undefined;
  readonly #options: CompareOptions;

  constructor(before: TreeName | undefined, after: TreeName | undefined, options: CompareOptions) {
    this.#before = before;
    this.#after = after;
    this.#options = options;
  }

  /** `A` added, `C` changed, `D` removed, as `docker diff` has it. */
  get kind(): 'A' | 'C' | 'D' {
    if (this.#before === undefined) return 'A';
    return this.#after === undefined ? 'D' : 'C';
  }

  /** From the root, which is itself empty. */
  get path(): ByteString {
    return (this.#after ?? this.#before)?.path ?? ('' as ByteString);
  }

  get before(): TreeFile | undefined {
    return this.#before?.file;
  }

  get after(): TreeFile | undefined {
    return this.#after?.file;
  }

  /** For `C`: of type, mode, owner, size, content, target, device, attributes, time. */
  get what(): readonly string[] {
    const { before, after } = this;
    return before === undefined || after === undefined ? [] : changesOf(before, after, this.#options);
  }
}

export interface CompareOptions {
  /** Whether times alone make no change. */
  readonly ignoreTimes?: boolean;
}

function changesOf(before: TreeFile, after: TreeFile, options: CompareOptions): readonly string[] {
  if (before.isSame(after)) return [];
  const { isFolder, entry: old } = before;
  if (isFolder !== after.isFolder) return ['type'];
  const now = after.entry;
  if (old === undefined || now === undefined) return [];
  const changed = metadataChanges(old, now);
  if (changed.includes('type')) return ['type'];
  // The time of a folder changes with what is in it, and that is told.
  const isTimeTold = !isFolder && options.ignoreTimes !== true;
  const what = changed.filter(name => name !== 'time' || isTimeTold);
  return before.contentDigest === after.contentDigest ? what : [...what, 'content'];
}

/**
 * What makes `after` of `before`, in byte order folder by folder. Of a removed folder only itself is told, of an added
 * one all that is in it. Both are branches of one tree, with content digests.
 */
export function* compareTrees(
  before: TreeName,
  after: TreeName,
  options: CompareOptions = {},
): Generator<TreeChange, void> {
  if (changesOf(before.file, after.file, options).length > 0) yield new TreeChange(before, after, options);
  yield* compareFolders(before, after, options);
}

function* compareFolders(
  before: TreeName | undefined,
  after: TreeName,
  options: CompareOptions,
): Generator<TreeChange, void> {
  for (const [old, now] of pairs(before?.children() ?? [], after.children())) {
    if (old === undefined || now === undefined) yield new TreeChange(old, now, options);
    else if (changesOf(old.file, now.file, options).length > 0) yield new TreeChange(old, now, options);
    if (now?.file.isFolder !== true) continue;
    yield* compareFolders(old?.file.isFolder === true ? old : undefined, now, options);
  }
}

/** The names of two folders side by side, in byte order. */
function* pairs(
  left: Iterable<TreeName>,
  right: Iterable<TreeName>,
): Generator<readonly [TreeName | undefined, TreeName | undefined], void> {
  const [lefts, rights] = [left[Symbol.iterator](), right[Symbol.iterator]()];
  const nextOf = (names: Iterator<TreeName>): TreeName | undefined => {
    const step = names.next();
    return step.done === true ? undefined : step.value;
  };
  let [old, now] = [nextOf(lefts), nextOf(rights)];
  while (old !== undefined || now !== undefined) {
    const isOld = now === undefined || (old !== undefined && old.name <= now.name);
    const isNow = old === undefined || (now !== undefined && now.name <= old.name);
    yield [isOld ? old : undefined, isNow ? now : undefined];
    if (isOld) old = nextOf(lefts);
    if (isNow) now = nextOf(rights);
  }
}
