import { posix } from 'node:path';
import { HawserError } from '../../../errors/hawser-error.ts';
import { type ByteString, byteString, textOf } from '../../../util/byte-string.ts';
import { compileGlob } from '../../dockerfile/glob.ts';
import { type IgnoreMatcher, type IgnoreState, matchPatterns } from '../../dockerfile/ignore.ts';
import { joinBytes, lstatOrNothing, resolveInside } from './root-path.ts';
import type { SourceListing } from './source-entry.ts';
import { ignoreOf, type SourceTree } from './source-tree.ts';
import { entryOf, FolderWalk, namesIn, type WalkFilters } from './walk-folder.ts';
import { hasWildcard, splitWildcards } from './wildcard.ts';

/** What a word of COPY asks for. Plain data. */
export interface SourceQuery {
  /** As the Dockerfile has it, expanded: a path or a wildcard. */
  readonly path: string;
  /** `--parents`: folders of the path stay, from the tree's root or from the first `/./` on. */
  readonly parents?: boolean;
  /** `--exclude`: patterns of what to leave out of a folder, relative to it. */
  readonly excludes?: readonly string[];
}

/**
 * What a word of COPY stands for in `tree`: one listing for each match of a wildcard, one for a literal path. Links at the
 * top are followed inside the tree, those in a folder stay links. Undefined for a literal path, or the folders before a
 * wildcard, that are missing or hidden: of the wildcard itself nothing is wanted.
 *
 * @throws HawserError COPY_SOURCE_UNKNOWN for a malformed wildcard, and for a match that leads nowhere;
 * CONTEXT_INVALID for what cannot be read
 */
export function listSource(tree: SourceTree, query: SourceQuery): readonly SourceListing[] | undefined {
  const { path, parents } = query;
  const { start, include } = parents === true ? splitParents(path) : { start: path, include: undefined };
  const exclude = query.excludes?.length ? compile(query.excludes) : undefined;
  if (!hasWildcard(path) && listMatch(tree, literalOf(path), {}) === undefined) return undefined;
  return matchSource(tree, start)?.flatMap(match => listMatch(tree, match, { include, exclude }) ?? []);
}

/** Where a word of `COPY --parents` begins to count folders, and the pattern of what it takes below that. */
function splitParents(path: string): { readonly start: string; readonly include: IgnoreMatcher | undefined } {
  const pivot = path.indexOf('/./');
  const start = pivot < 0 ? '/' : path.slice(0, pivot);
  const pattern = cleanPath(pivot < 0 ? path : path.slice(pivot + 3)).slice(1);
  return { start, include: pattern === '' ? undefined : compile([pattern]) };
}

/** Absolute, clean, and without a slash at its end. */
export function cleanPath(path: string): string {
  return posix.normalize(`/${path}`).replace(/(.)\/$/, '$1');
}

function compile(patterns: readonly string[]): IgnoreMatcher {
  const matcher = matchPatterns(patterns);
  if (matcher !== undefined) return matcher;
  throw malformed(patterns.find(pattern => matchPatterns([pattern]) === undefined) ?? '');
}

function malformed(pattern: string): HawserError {
  return new HawserError('COPY_SOURCE_UNKNOWN', `malformed wildcard ${JSON.stringify(pattern)}`, {
    remedy: 'Close the [ of a class, or write [[] for a literal bracket.',
  });
}

type TopFilters = Omit<WalkFilters, 'ignore'>;

function listMatch(tree: SourceTree, match: ByteString, filters: TopFilters): SourceListing | undefined {
  const root = byteString(tree.root);
  const followed = resolveInside(root, match, { followLast: true });
  const inTree = followed.slice(1) as ByteString;
  const location = inTree === '' ? root : joinBytes(root, inTree);
  const stats = lstatOrNothing(location);
  if (stats === undefined) return undefined;
  const ignore = ignoreOf(tree);
  const hidden = [match.slice(1), inTree].some(
    name => name !== '' && ignore?.excludes(textOf(name as ByteString)) === true,
  );
  if (hidden && !(stats.isDirectory() && ignore?.couldIncludeBelow(textOf(inTree)) === true))
    return undefined;
  const path = '' as ByteString;
  const below = () => {
    const walk = new FolderWalk({ ignore, ...filters }, tree.owners);
    const state = stateOf(ignore, inTree);
    return walk.entries({ location, path, inTree, ignore: state, include: undefined, exclude: undefined });
  };
  if (hidden && below().next().done === true) return undefined;
  return {
    name: posix.basename(match) as ByteString,
    top: entryOf({ location, path, stats }, tree.owners),
    below: stats.isDirectory() ? below : () => [],
  };
}

/** The state of a folder for a walk that begins there; undefined for the root. */
function stateOf(ignore: IgnoreMatcher | undefined, inTree: ByteString): IgnoreState | undefined {
  let state: IgnoreState | undefined;
  const parts = textOf(inTree).split('/').filter(Boolean);
  for (let depth = 1; depth <= parts.length; depth++) {
    state = ignore?.enter(parts.slice(0, depth).join('/'), state);
  }
  return state;
}

/**
 * The paths that `path` matches, absolute from the tree's root, in byte order; undefined where the folders before its
 * wildcard are not there.
 */
function matchSource(tree: SourceTree, path: string): readonly ByteString[] | undefined {
  const { fixed, pattern } = splitWildcards(cleanPath(path));
  if (pattern === '') return [literalOf(path)];
  const glob = compileGlob(pattern);
  if (glob === undefined) throw malformed(path);
  const root = byteString(tree.root);
  const start = resolveInside(root, literalOf(fixed), { followLast: true });
  if (start !== '/' && listMatch(tree, start, {}) === undefined) return undefined;
  const found: ByteString[] = [];
  const depth = pattern.split('/').length;
  // Go walks the tree and matches the whole rest of each path, and does not enter what matched.
  const walk = (folder: ByteString, prefix: string, level: number) => {
    for (const name of namesIn(joinBytes(root, folder))) {
      const relative = prefix === '' ? name : `${prefix}/${name}`;
      const inTree = joinBytes(folder, name);
      if (level < depth) {
        if (lstatOrNothing(joinBytes(root, inTree))?.isDirectory() === true)
          walk(inTree, relative, level + 1);
      } else if (glob.matches(textOf(relative as ByteString)) && leadsSomewhere(tree, inTree)) {
        found.push(inTree);
      }
    }
  };
  walk(start, '', 1);
  return found;
}

/** Whether a match is not hidden. A link to nothing is an error, not no match. */
function leadsSomewhere(tree: SourceTree, match: ByteString): boolean {
  if (listMatch(tree, match, {}) !== undefined) return true;
  if (ignoreOf(tree)?.excludes(textOf(match).slice(1)) === true) return false;
  throw new HawserError('COPY_SOURCE_UNKNOWN', `${textOf(match)} is a link to what is not there`, {
    remedy: 'A link leads to what is in the same tree: mend it, or choose a wildcard that leaves it out.',
  });
}

/** The path without escapes, absolute and clean. */
function literalOf(path: string): ByteString {
  return byteString(cleanPath(path).replaceAll(/\\(.)/gsu, '$1'));
}
