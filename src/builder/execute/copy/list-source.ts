import { readdirSync, readlinkSync, type Stats } from 'node:fs';
import { join, posix } from 'node:path';
import { HawserError } from '../../../errors/hawser-error.ts';
import { fsOps } from '../../../layers/fs-ops.ts';
import type { IgnoreMatcher, IgnoreState } from '../../dockerfile/ignore.ts';
import { lstatOrNothing, resolveInside } from './root-path.ts';
import type { SourceEntry, SourceListing } from './source-entry.ts';
import { splitWildcards, wildcardPattern } from './wildcard.ts';

export interface SourceTree {
  /** A folder on disk. */
  readonly root: string;
  /** What .dockerignore hides counts as not being there. */
  readonly filter?: IgnoreMatcher;
  /** Files of the build context belong to root, whoever owns them on disk, and bring no extended attributes. */
  readonly isContext: boolean;
}

const permissionBits = 0o7777;

function typeOf(stats: Stats): SourceEntry['type'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isFIFO()) return 'fifo';
  if (stats.isSocket()) return 'socket';
  return stats.isCharacterDevice() ? 'character-device' : 'block-device';
}

function entryOf(tree: SourceTree, location: string, named: { path: string; stats: Stats }): SourceEntry {
  const { path, stats } = named;
  const type = typeOf(stats);
  const capability =
    tree.isContext || type !== 'file' ? undefined : fsOps.lgetxattr(location, 'security.capability');
  return {
    type,
    path,
    location,
    mode: stats.mode & permissionBits,
    uid: tree.isContext ? 0 : stats.uid,
    gid: tree.isContext ? 0 : stats.gid,
    size: type === 'file' ? stats.size : 0,
    mtime: stats.mtimeMs,
    ctime: stats.ctimeMs,
    ino: stats.ino,
    ...(type === 'symlink' ? { link: readlinkSync(location) } : {}),
    ...(type === 'character-device' || type === 'block-device' ? { device: stats.rdev } : {}),
    ...(stats.nlink > 1 && type !== 'folder' ? { inode: `${stats.dev}:${stats.ino}` } : {}),
    ...(capability === undefined ? {} : { capability }),
  };
}

/** Names in byte order, as every listing and digest wants them. */
function namesIn(folder: string): readonly string[] {
  const names = readdirSync(folder);
  const wrong = names.find(name => name.includes('\ufffd'));
  if (wrong !== undefined) {
    throw new HawserError('CONTEXT_INVALID', `${join(folder, wrong)} has a name that is not UTF-8`, {
      remedy: 'Rename the file, or hide it with .dockerignore.',
    });
  }
  return names.sort((left, right) => (left < right ? -1 : 1));
}

interface FolderToList {
  readonly folder: string;
  /** Relative to the source that was named. */
  readonly path: string;
  /** Relative to the tree's root. */
  readonly inTree: string;
  readonly state: IgnoreState | undefined;
}

/** Collects what is in `folder`; a hidden folder is taken only when something in it is shown. */
function listFolder(tree: SourceTree, at: FolderToList): SourceEntry[] {
  const entries: SourceEntry[] = [];
  for (const name of namesIn(at.folder)) {
    const location = `${at.folder}/${name}`;
    const inTree = at.inTree === '' ? name : `${at.inTree}/${name}`;
    const path = at.path === '' ? name : `${at.path}/${name}`;
    const state = tree.filter?.enter(inTree, at.state);
    const hidden = state?.excluded === true;
    if (hidden && tree.filter?.couldIncludeBelow(inTree) !== true) continue;
    const stats = lstatOrNothing(location);
    if (stats === undefined) continue; // removed while the context is read
    const isFolder = stats.isDirectory();
    if (hidden && !isFolder) continue;
    const below = isFolder ? listFolder(tree, { folder: location, path, inTree, state }) : [];
    if (hidden && below.length === 0) continue;
    entries.push(entryOf(tree, location, { path, stats }));
    for (const entry of below) entries.push(entry);
  }
  return entries;
}

/** The state of a folder for a walk that begins there; undefined for the root. */
function stateOf(tree: SourceTree, inTree: string): IgnoreState | undefined {
  let state: IgnoreState | undefined;
  const parts = inTree.split('/').filter(Boolean);
  for (let depth = 1; depth <= parts.length; depth++) {
    state = tree.filter?.enter(parts.slice(0, depth).join('/'), state);
  }
  return state;
}

/**
 * What the source `path` of a COPY stands for in `tree`: one listing for each match of a wildcard, one for a literal path.
 * Links at the top are followed inside the tree, those in a folder stay links. Nothing for a literal path that is missing
 * or hidden.
 */
export function listSource(tree: SourceTree, path: string): readonly SourceListing[] {
  return matchSource(tree, path).flatMap(match => {
    const listing = listMatch(tree, match);
    return listing === undefined ? [] : [listing];
  });
}

function listMatch(tree: SourceTree, match: string): SourceListing | undefined {
  const followed = resolveInside(tree.root, match, { followLast: true });
  const inTree = followed.slice(1);
  const location = inTree === '' ? tree.root : join(tree.root, inTree);
  const stats = lstatOrNothing(location);
  if (stats === undefined) return undefined;
  const hidden = [match.slice(1), inTree].some(name => name !== '' && tree.filter?.excludes(name) === true);
  if (hidden && !(stats.isDirectory() && tree.filter?.couldIncludeBelow(inTree) === true)) return undefined;
  const entries = [entryOf(tree, location, { path: '', stats })];
  if (stats.isDirectory()) {
    const below = listFolder(tree, { folder: location, path: '', inTree, state: stateOf(tree, inTree) });
    if (hidden && below.length === 0) return undefined;
    for (const entry of below) entries.push(entry);
  }
  return { name: posix.basename(match), entries };
}

/** The paths that `path` matches, absolute from the tree's root, in byte order. */
function matchSource(tree: SourceTree, path: string): readonly string[] {
  const clean = posix.normalize(`/${path}`).replace(/(.)\/$/, '$1');
  const { fixed, pattern } = splitWildcards(clean);
  if (pattern === '') return [clean.replaceAll(/\\(.)/gsu, '$1')];
  const expression = wildcardPattern(pattern);
  if (expression === undefined) {
    throw new HawserError('COPY_SOURCE_UNKNOWN', `malformed wildcard ${JSON.stringify(path)}`, {
      remedy: 'Close the [ of a class, or write [[] for a literal bracket.',
    });
  }
  const start = resolveInside(tree.root, fixed.replaceAll(/\\(.)/gsu, '$1'), { followLast: true });
  const found: string[] = [];
  const depth = pattern.split('/').length;
  // Go walks the tree and matches the whole rest of each path, and does not enter what matched.
  const walk = (folder: string, prefix: string, level: number) => {
    for (const name of namesIn(join(tree.root, folder))) {
      const relative = prefix === '' ? name : `${prefix}/${name}`;
      const inTree = posix.join(folder, name);
      if (level === depth) {
        if (expression.test(relative)) found.push(inTree);
      } else if (lstatOrNothing(join(tree.root, inTree))?.isDirectory() === true) {
        walk(inTree, relative, level + 1);
      }
    }
  };
  if (lstatOrNothing(join(tree.root, start))?.isDirectory() === true) walk(start, '', 1);
  return found;
}
