import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { posix } from 'node:path';
import { HawserError, systemErrorCode } from '../../../errors/hawser-error.ts';
import { type ByteString, byteStringOf, fsPath, textOf } from '../../../util/byte-string.ts';

/** As many as the kernel follows in one path, see path_resolution(7). */
const MAX_LINKS = 40;

/** `lstat`, or undefined where there is nothing. */
export function lstatOrNothing(path: ByteString): Stats | undefined {
  try {
    return lstatSync(fsPath(path), { throwIfNoEntry: false });
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

export function joinBytes(...parts: readonly string[]): ByteString {
  return posix.join(...parts) as ByteString;
}

/**
 * Where `path` leads inside `root`, with every symbolic link on the way followed as a process chrooted into `root` would:
 * absolute links begin at `root`, `..` stops there. Parts that do not exist are taken as they are. `followLast` decides
 * about a link at the very end.
 *
 * @returns an absolute path, clean, with `/` for `root` itself
 * @throws HawserError INVALID_ARGUMENT for a loop of links
 */
export function resolveInside(
  root: ByteString,
  path: string,
  options: { readonly followLast: boolean },
): ByteString {
  const pending = posix.normalize(`/${path}`).split('/').filter(Boolean);
  let current = '/' as ByteString;
  let links = 0;
  while (pending.length > 0) {
    const part = pending.shift() as string;
    if (part === '..') {
      current = posix.dirname(current) as ByteString;
      continue;
    }
    if (part === '.') continue;
    const next = joinBytes(current, part);
    const isLast = pending.length === 0;
    const link = isLast && !options.followLast ? undefined : linkAt(joinBytes(root, next));
    if (link === undefined) {
      current = next;
      continue;
    }
    if (++links > MAX_LINKS) {
      const written = JSON.stringify(textOf(path as ByteString));
      throw new HawserError('INVALID_ARGUMENT', `too many symbolic links in ${written}`, {
        remedy: 'The links lead to each other in a circle: mend one of them.',
      });
    }
    if (link.startsWith('/')) current = '/' as ByteString;
    pending.unshift(...link.split('/').filter(Boolean));
  }
  return current;
}

/** The target of the symbolic link at `path`; undefined for anything else. */
function linkAt(path: ByteString): ByteString | undefined {
  try {
    return byteStringOf(readlinkSync(fsPath(path), 'buffer'));
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'EINVAL' || code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
