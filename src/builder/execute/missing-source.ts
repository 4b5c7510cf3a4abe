import { readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import { HawserError, type SourceLocation, systemErrorCode } from '../../errors/hawser-error.ts';
import { nearest } from '../../util/nearest.ts';
import type { BuildContextFiles } from './context.ts';
import type { SourceTree } from './copy/list-source.ts';
import { lstatOrNothing, resolveInside } from './copy/root-path.ts';

export interface MissingSource {
  readonly instruction: 'COPY' | 'ADD';
  /** As the Dockerfile has it. */
  readonly path: string;
  readonly tree: SourceTree;
  /** What the tree is called in messages: `the build context`, `stage build`. */
  readonly treeName: string;
  readonly context: BuildContextFiles | undefined;
  readonly location: SourceLocation | undefined;
}

/** Says why a source is not there: hidden by a line of .dockerignore, or a slip of another name. */
export function missingSource(missing: MissingSource): HawserError {
  const { instruction, path, tree, treeName } = missing;
  const clean = posix.normalize(`/${path}`).replace(/(.)\/$/, '$1');
  const resolved = resolveInside(tree.root, clean, { followLast: true });
  const exists = lstatOrNothing(join(tree.root, resolved)) !== undefined;
  const hidden = exists
    ? (missing.context?.whyHidden(clean.slice(1)) ?? missing.context?.whyHidden(resolved.slice(1)))
    : undefined;
  const what = `${instruction} source ${JSON.stringify(path)}`;
  const place = missing.location === undefined ? {} : { location: missing.location };
  if (hidden !== undefined) {
    return new HawserError('COPY_SOURCE_UNKNOWN', `${what} is hidden by ${hidden}`, {
      ...place,
      remedy: `Take the pattern out, or add "!${clean.slice(1)}" below it.`,
    });
  }
  const near = nearPath(tree, clean);
  return new HawserError('COPY_SOURCE_UNKNOWN', `${what} is not in ${treeName}`, {
    ...place,
    remedy:
      near === undefined
        ? `Check the path; it is taken from the root of ${treeName}.`
        : `Did you mean ${JSON.stringify(near)}?`,
  });
}

/** The path with its first missing part replaced by the nearest name that stands there. */
function nearPath(tree: SourceTree, path: string): string | undefined {
  const parts = path.split('/').filter(Boolean);
  let folder = '/';
  for (const [index, part] of parts.entries()) {
    const next = posix.join(folder, part);
    if (lstatOrNothing(join(tree.root, resolveInside(tree.root, next, { followLast: true }))) === undefined) {
      const names = readNames(join(tree.root, resolveInside(tree.root, folder, { followLast: true })));
      const name = nearest(
        part,
        names.filter(candidate => tree.filter?.excludes(posix.join(folder, candidate).slice(1)) !== true),
      );
      if (name === undefined) return undefined;
      const candidate = posix.join(folder, name, ...parts.slice(index + 1));
      const found = resolveInside(tree.root, candidate, { followLast: true });
      return lstatOrNothing(join(tree.root, found)) === undefined ? undefined : candidate.slice(1);
    }
    folder = next;
  }
  return undefined;
}

function readNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}
