import { posix } from 'node:path';
import { HawserError } from '../../errors/hawser-error.ts';
import { byteString, textOf } from '../../util/byte-string.ts';
import { nearest } from '../../util/nearest.ts';
import { cleanPath } from './copy/list-source.ts';
import { joinBytes, lstatOrNothing, resolveInside } from './copy/root-path.ts';
import { ignoreOf, type SourceTree } from './copy/source-tree.ts';
import { namesIn } from './copy/walk-folder.ts';
import { splitWildcards } from './copy/wildcard.ts';

export interface MissingSource {
  readonly instruction: 'COPY' | 'ADD' | 'RUN --mount';
  /** As the Dockerfile has it. */
  readonly path: string;
  readonly tree: SourceTree;
  /** What the tree is called in messages: `the build context`, `stage build`. */
  readonly treeName: string;
}

/** Says why a source is not there: hidden by a line of .dockerignore, or a slip of another name. */
export function missingSource(missing: MissingSource): HawserError {
  const { instruction, path, tree, treeName } = missing;
  const clean = splitWildcards(cleanPath(path)).fixed;
  const resolved = textOf(resolveInside(byteString(tree.root), byteString(clean), { followLast: true }));
  const hidden = statsIn(tree, resolved) === undefined ? undefined : whyHidden(tree, [clean, resolved]);
  const what = `${instruction} source ${JSON.stringify(path)}`;
  if (hidden !== undefined) {
    return new HawserError('COPY_SOURCE_UNKNOWN', `${what} is hidden by ${hidden}`, {
      remedy: `Take the pattern out, or add "!${clean.slice(1)}" below it.`,
    });
  }
  const near = nearPath(tree, clean);
  return new HawserError('COPY_SOURCE_UNKNOWN', `${what} is not in ${treeName}`, {
    remedy:
      near === undefined
        ? `Check the path; it is taken from the root of ${treeName}.`
        : `Did you mean ${JSON.stringify(near)}?`,
  });
}

/** The line of .dockerignore that hides one of `paths`, as `file:line: pattern`. */
function whyHidden(tree: SourceTree, paths: readonly string[]): string | undefined {
  for (const path of paths) {
    const pattern = ignoreOf(tree)?.explain(path.slice(1));
    if (pattern !== undefined) return `${tree.ignore?.file}:${pattern.line}: ${pattern.text}`;
  }
  return undefined;
}

/** Of what an absolute path of the tree leads to. */
function statsIn(tree: SourceTree, path: string) {
  const root = byteString(tree.root);
  return lstatOrNothing(joinBytes(root, resolveInside(root, byteString(path), { followLast: true })));
}

/** The path with its first missing part replaced by the nearest name that stands there. */
function nearPath(tree: SourceTree, path: string): string | undefined {
  const parts = path.split('/').filter(Boolean);
  let folder = '/';
  for (const [index, part] of parts.entries()) {
    const next = posix.join(folder, part);
    if (statsIn(tree, next) === undefined) {
      const name = nearest(part, shownNames(tree, folder));
      if (name === undefined) return undefined;
      const candidate = posix.join(folder, name, ...parts.slice(index + 1));
      return statsIn(tree, candidate) === undefined ? undefined : candidate.slice(1);
    }
    folder = next;
  }
  return undefined;
}

function shownNames(tree: SourceTree, folder: string): readonly string[] {
  const root = byteString(tree.root);
  const ignore = ignoreOf(tree);
  return namesIn(joinBytes(root, resolveInside(root, byteString(folder), { followLast: true })))
    .map(textOf)
    .filter(name => ignore?.excludes(posix.join(folder, name).slice(1)) !== true);
}
