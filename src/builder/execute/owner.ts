import { readFileSync } from 'node:fs';
import { HawserError, systemErrorCode } from '../../errors/hawser-error.ts';
import { byteString, fsPath } from '../../util/byte-string.ts';
import { joinBytes, lstatOrNothing, resolveInside } from './copy/root-path.ts';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The lines of a colon-separated file inside an image's root; none where there is no such file. */
function linesOf(root: string, path: string): readonly (readonly string[])[] {
  try {
    const rootPath = byteString(root);
    const location = joinBytes(rootPath, resolveInside(rootPath, path, { followLast: true }));
    // A fifo in an image must not block the build.
    if (lstatOrNothing(location)?.isFile() !== true) return [];
    const text = readFileSync(fsPath(location), 'utf8');
    return text.split('\n').map(line => line.split(':'));
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT') return [];
    throw error;
  }
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/**
 * `user[:group]` of `--chown` and of USER, looked up in the image under `root`: a number is taken as it is, and stands
 * for the group too; a named user brings its primary group.
 *
 * @returns undefined for a name that the image does not know
 */
export function lookUpOwner(root: string, text: string): Owner | undefined {
  const colon = text.indexOf(':');
  const user = colon < 0 ? text : text.slice(0, colon);
  const group = colon < 0 ? undefined : text.slice(colon + 1);
  const found = lookUpUser(root, user);
  if (found === undefined) return undefined;
  if (group === undefined || group === '') return found;
  const gid = numberOf(group) ?? numberOf(linesOf(root, '/etc/group').find(line => line[0] === group)?.[2]);
  if (gid !== undefined) return { uid: found.uid, gid };
  return group === 'root' ? { uid: found.uid, gid: 0 } : undefined;
}

function lookUpUser(root: string, user: string): Owner | undefined {
  const uid = numberOf(user);
  if (uid !== undefined) return { uid, gid: uid };
  const line = linesOf(root, '/etc/passwd').find(fields => fields[0] === user);
  const named = { uid: numberOf(line?.[2]), gid: numberOf(line?.[3]) };
  if (named.uid !== undefined && named.gid !== undefined) return { uid: named.uid, gid: named.gid };
  return user === 'root' || user === '' ? { uid: 0, gid: 0 } : undefined;
}

/** @throws HawserError DOCKERFILE_INVALID for an unknown name */
export function requireOwner(root: string, text: string): Owner {
  const owner = lookUpOwner(root, text);
  if (owner !== undefined) return owner;
  throw new HawserError('DOCKERFILE_INVALID', `--chown=${text}: the image knows no such user or group`, {
    remedy: 'Make the user in a RUN before, or give numbers.',
  });
}
