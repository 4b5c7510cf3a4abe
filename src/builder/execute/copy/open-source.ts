import { constants, openSync } from 'node:fs';
import { systemErrorCode } from '../../../errors/hawser-error.ts';
import { type ByteString, fsPath } from '../../../util/byte-string.ts';
import type { SourceEntry } from './source-entry.ts';
import { unreadable } from './walk-folder.ts';

/** What opening says of a file that is gone, or that a link, a folder, a fifo or a socket has taken the place of. */
const gone = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EISDIR']);
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Opens a file that was listed before. The link that may stand there by now is not followed.
 *
 * @returns a descriptor; undefined where there is no such file any more
 * @throws HawserError CONTEXT_INVALID where it may not be read
 */
export function openSource(location: ByteString): number | undefined {
  try {
    return openSync(fsPath(location), flags);
  } catch (error) {
    if (gone.has(systemErrorCode(error) ?? '')) return undefined;
    throw unreadable(location, error);
  }
}

/** What of `fs.Stats` changes with a file. */
type FileFacts = Pick<SourceEntry, 'ino' | 'size' | 'mtime' | 'ctime'>;

/** Whether a file is still as it was listed: the same inode, size and times. */
export function isUnchanged(
  entry: FileFacts,
  stats: { readonly ino: number; readonly size: number; readonly mtimeMs: number; readonly ctimeMs: number },
): boolean {
  const { ino, size, mtime, ctime } = entry;
  return ino === stats.ino && size === stats.size && mtime === stats.mtimeMs && ctime === stats.ctimeMs;
}
