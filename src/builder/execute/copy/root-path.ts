import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { join, posix } from 'node:path';
import { HawserError, systemErrorCode } from '../../../errors/hawser-error.ts';

/** As many as the kernel follows in one path, see path_resolution(7). */
const MAX_LINKS = 40;

/** `lstat`, or undefined where there is nothing. */
export function lstatOrNothing(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/**
 * Where `path` leads inside `root`, with every symbolic link on the way followed as a process chrooted into `root` would:
 * absolute links begin at `root`, `..` stops there. Parts that do not exist are taken as they are. `followLast` decides
 * about a link at the very end.
 *
 * @returns an absolute path, clean, with `/` for `root` itself
 * @throws HawserError INVALID_ARGUMENT for a loop of links
 */
export function resolveInside(root: string, path: string, options: { readonly followLast: boolean }): string {
  const pending = posix.normalize(`/${path}`).split('/').filter(Boolean);
  let current = '/';
  let links = 0;
  while (pending.length > 0) {
    const part = pending.shift() as string;
    if (part === '..') {
      current = posix.dirname(current);
      continue;
    }
    if (part === '.') continue;
    const next = posix.join(current, part);
    const isLast = pending.length === 0;
    const link = isLast && !options.followLast ? undefined : linkAt(join(root, next));
    if (link === undefined) {
      current = next;
      continue;
    }
    if (++links > MAX_LINKS) {
      throw new HawserError('INVALID_ARGUMENT', `too many symbolic links in ${JSON.stringify(path)}`);
    }
    if (link.startsWith('/')) current = '/';
    pending.unshift(...link.split('/').filter(Boolean));
  }
  return current;
}

/** The target of the symbolic link at `path`; undefined for anything else. */
function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'EINVAL' || code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
