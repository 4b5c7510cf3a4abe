import { lstatSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';

const MAX_LINKS = 40;

/**
 * Where `path` leads inside `rootfs`, as a process chrooted there would see it: links are followed, but `..` and absolute
 * targets stay inside. Parts that do not exist are kept as they are. Paths of images go through here before the host
 * touches them (CVE-2022-23648, CVE-2021-30465); nobody else may write to `rootfs` meanwhile.
 *
 * @returns an absolute host path whose existing parts hold no link
 * @throws HawserError INVALID_ARGUMENT for a circle of links
 */
export function resolveInRootfs(rootfs: string, path: string): string {
  const pending = path.split('/').filter(part => part !== '' && part !== '.');
  const resolved: string[] = [];
  for (let links = 0; pending.length > 0; ) {
    const part = pending.shift() as string;
    if (part === '..') {
      resolved.pop();
      continue;
    }
    const target = linkTarget(join(rootfs, ...resolved, part));
    if (target === undefined) {
      resolved.push(part);
      continue;
    }
    if (++links > MAX_LINKS) throw new HawserError('INVALID_ARGUMENT', `${path}: too many symbolic links`);
    if (target.startsWith('/')) resolved.length = 0;
    pending.unshift(...target.split('/').filter(piece => piece !== '' && piece !== '.'));
  }
  return join(rootfs, ...resolved);
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/**
 * Whether `path`, an absolute host path below `rootfs` that `resolveInRootfs` gave earlier, still leads there: a program
 * that ran in between may have put a link where a folder was, and what is done by that path would then be done to the
 * host (CVE-2024-23652). The last part may be a link itself.
 */
export function isStillInside(rootfs: string, path: string): boolean {
  for (let folder = dirname(path); folder.length > rootfs.length; folder = dirname(folder)) {
    if (linkTarget(folder) !== undefined) return false;
  }
  return true;
}
