import { type IgnoreMatcher, parseIgnore } from '../../dockerfile/ignore.ts';

/** A .dockerignore as it was read. */
export interface IgnoreFile {
  /** For messages. */
  readonly file: string;
  readonly text: string;
}

/** A folder on disk that COPY and ADD take files from. Plain data: worker threads get it too. */
export interface SourceTree {
  readonly root: string;
  /** What it hides counts as not being there. */
  readonly ignore?: IgnoreFile;
  /**
   * `root`: all belongs to root, whoever owns it on disk, and brings no extended attributes, as in a build context.
   * `kept`: as on disk, as in a stage.
   */
  readonly owners: 'root' | 'kept';
}

const matchers = new WeakMap<IgnoreFile, IgnoreMatcher>();

/** The lines of the tree's .dockerignore, read once. Undefined where it has none. */
export function ignoreOf({ ignore }: SourceTree): IgnoreMatcher | undefined {
  if (ignore === undefined) return undefined;
  let matcher = matchers.get(ignore);
  if (matcher === undefined) {
    matcher = parseIgnore(ignore.text, { file: ignore.file });
    matchers.set(ignore, matcher);
  }
  return matcher;
}
