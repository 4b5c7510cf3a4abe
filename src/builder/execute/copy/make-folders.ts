import { chmodSync, lchownSync, mkdirSync } from 'node:fs';
import { posix } from 'node:path';
import { HawserError } from '../../../errors/hawser-error.ts';
import { fsOps } from '../../../layers/fs-ops.ts';
import { type ByteString, fsPath, textOf } from '../../../util/byte-string.ts';
import { fileTimeOf } from './file-time.ts';
import { lstatOrNothing, resolveInside } from './root-path.ts';

export interface NewFolder {
  readonly owner: { readonly uid: number; readonly gid: number };
  readonly mode: number;
  /** Milliseconds since 1970; the present moment when left out. */
  readonly mtime?: number | undefined;
}

/**
 * Makes the folder `path` (absolute, inside `root`) and the parents that are missing, all of them as `folder` says; what
 * exists stays as it is. Links on the way are followed inside `root`.
 *
 * @throws HawserError CONFLICT where something else than a folder is in the way
 */
export function makeFolders(root: ByteString, path: ByteString, folder: NewFolder): ByteString {
  const resolved = resolveInside(root, path, { followLast: true });
  makeMissing(root, resolved, folder);
  return resolved;
}

function makeMissing(root: ByteString, path: ByteString, folder: NewFolder): void {
  const location = (path === '/' ? root : `${root}${path}`) as ByteString;
  const stats = lstatOrNothing(location);
  if (stats?.isDirectory() === true) return;
  if (stats !== undefined) {
    throw new HawserError('CONFLICT', `${textOf(path)} in the image is no folder`, {
      remedy: 'Copy to another path, or remove the file in a RUN before.',
    });
  }
  makeMissing(root, posix.dirname(path) as ByteString, folder);
  const made = fsPath(location);
  mkdirSync(made);
  lchownSync(made, folder.owner.uid, folder.owner.gid);
  chmodSync(made, folder.mode);
  if (folder.mtime !== undefined) fsOps.utimensat(made, fileTimeOf(folder.mtime));
}
