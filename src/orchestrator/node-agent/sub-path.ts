import { closeSync, constants, fstatSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { HawserError, systemErrorCode } from '../../errors/hawser-error.ts';
import { fsOps, mountFlags } from '../../layers/fs-ops.ts';

const O_PATH = 0o10000000;

function refuse(subPath: string, why: string, cause?: unknown): HawserError {
  return new HawserError('OBJECT_INVALID', `subPath ${JSON.stringify(subPath)} ${why}`, {
    cause,
    remedy: 'Name a path inside the volume, without symbolic links.',
  });
}

function step(
  parent: number,
  name: string,
  options: { readonly last: boolean; readonly mode: number },
): number {
  const path = `/proc/self/fd/${parent}/${name}`;
  const flags = O_PATH | constants.O_NOFOLLOW | (options.last ? 0 : constants.O_DIRECTORY);
  try {
    return openSync(path, flags);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
  mkdirSync(path, { mode: options.mode });
  return openSync(path, flags | constants.O_DIRECTORY);
}

/**
 * Mounts `subPath` of a volume at `target`, made as folders where it is missing. Each component is opened without
 * following links and the mount is made of the open file, so that nothing that a container swaps meanwhile leads out of
 * the volume (CVE-2017-1002101, CVE-2021-25741).
 *
 * @throws HawserError OBJECT_INVALID for a path that leaves the volume or goes over a link
 */
export function mountSubPath(volume: string, subPath: string, target: string): void {
  const parts = subPath.split('/').filter(part => part !== '' && part !== '.');
  if (subPath.startsWith('/') || parts.includes('..')) throw refuse(subPath, 'leaves its volume');
  let current = openSync(volume, O_PATH | constants.O_DIRECTORY);
  try {
    const mode = fstatSync(current).mode & 0o777;
    for (const [index, part] of parts.entries()) {
      const next = step(current, part, { last: index === parts.length - 1, mode });
      closeSync(current);
      current = next;
    }
    const found = fstatSync(current);
    if (found.isSymbolicLink()) throw refuse(subPath, 'is a symbolic link');
    fsOps.unmount(target);
    mkdirSync(dirname(target), { recursive: true });
    if (found.isDirectory()) mkdirSync(target, { recursive: true });
    else writeFileSync(target, '');
    fsOps.mount(`/proc/self/fd/${current}`, target, { flags: mountFlags.bind });
  } catch (error) {
    const code = systemErrorCode(error);
    throw code === 'ENOTDIR' || code === 'ELOOP'
      ? refuse(subPath, 'goes over something that is no folder', error)
      : error;
  } finally {
    closeSync(current);
  }
}
