import { lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { systemErrorCode } from '../errors/hawser-error.ts';
import { type ByteString, fsPath } from '../util/byte-string.ts';

/** The names in a folder, as bytes. */
function namesIn(folder: ByteString): readonly ByteString[] {
  return readdirSync(fsPath(folder), { encoding: 'latin1' }) as ByteString[];
}

/**
 * Removes what is at `path`, folders with all that is in them, symlinks themselves. `keeps`, where it is given, says
 * which paths stay; a kept folder is emptied of what is not kept.
 */
export function removeTree(path: ByteString, keeps?: (path: ByteString) => boolean): void {
  const isKept = keeps?.(path) === true;
  if (lstatSync(fsPath(path)).isDirectory()) {
    for (const name of namesIn(path)) removeTree(`${path}/${name}` as ByteString, keeps);
    if (!isKept) rmdirSync(fsPath(path));
  } else if (!isKept) unlinkSync(fsPath(path));
}

/** Removes a file, or a folder as a whole. */
export function removeExisting(path: ByteString): void {
  try {
    unlinkSync(fsPath(path));
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== 'EISDIR' && code !== 'EPERM') throw error;
    removeTree(path);
  }
}
