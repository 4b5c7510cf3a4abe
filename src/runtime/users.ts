import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { resolveInRootfs } from './rootfs-path.ts';

/** Who a process runs as. */
export interface ProcessUser {
  readonly uid: number;
  readonly gid: number;
  /** Always with `gid` (CVE-2023-25173: a set-gid file must not open what the group's members may not). */
  readonly additionalGids: readonly number[];
  readonly home: string;
}

/** uids and gids beyond it are refused, as runc does; 4294967296 would wrap to root (CVE-2024-40635). */
const MAX_ID = 2 ** 31 - 1;
const MAX_FILE = 4 * 1024 * 1024;

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** A plain file of the rootfs, links resolved inside it; empty where there is none. */
function readRootfsFile(rootfs: string, path: string): string {
  let descriptor: number;
  try {
    // O_NONBLOCK: a fifo in an image must not block the host
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    descriptor = openSync(resolveInRootfs(rootfs, path), flags);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENXIO') return '';
    throw error;
  }
  try {
    const stat = fstatSync(descriptor);
    if (stat.isDirectory()) return '';
    // The runtime opens it as well, and would wait for ever for somebody to write.
    if (!stat.isFile()) {
      throw new HawserError('INVALID_ARGUMENT', `${path} of the image is no file`, {
        remedy: 'Do not use this image.',
        exitCode: 125,
      });
    }
    if (stat.size > MAX_FILE) {
      throw new HawserError(
        'INVALID_ARGUMENT',
        `${path} of the image has ${stat.size} bytes, over ${MAX_FILE}`,
      );
    }
    const content = Buffer.alloc(stat.size);
    return content.toString('utf8', 0, readSync(descriptor, content, 0, stat.size, 0));
  } finally {
    closeSync(descriptor);
  }
}

function parseID(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= MAX_ID ? value : undefined;
}

function linesOf(text: string): readonly string[][] {
  return text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => line.split(':'));
}

/** passwd(5); malformed lines are left out. */
export function parsePasswd(text: string): readonly PasswdEntry[] {
  return linesOf(text).flatMap(([name = '', , uid, gid, , home = '']) => {
    const [uidNumber, gidNumber] = [parseID(uid), parseID(gid)];
    if (name === '' || uidNumber === undefined || gidNumber === undefined) return [];
    return [{ name, uid: uidNumber, gid: gidNumber, home }];
  });
}

/** group(5); malformed lines are left out. */
export function parseGroup(text: string): readonly GroupEntry[] {
  return linesOf(text).flatMap(([name = '', , gid, members = '']) => {
    const number = parseID(gid);
    if (name === '' || number === undefined) return [];
    return [{ name, gid: number, members: members.split(',').filter(member => member !== '') }];
  });
}

function unknown(what: 'user' | 'group', name: string, file: string): HawserError {
  return new HawserError(
    'INVALID_ARGUMENT',
    `${what} ${JSON.stringify(name)} is not in ${file} of the image`,
    {
      remedy: `Add it (e.g. RUN ${what}add ${name}), or give its number.`,
      exitCode: 125,
    },
  );
}

function numberOutOfRange(what: 'uid' | 'gid', text: string): HawserError {
  return new HawserError('INVALID_ARGUMENT', `${what} ${text} is over ${MAX_ID}`, {
    remedy: 'Use a smaller number.',
    exitCode: 125,
  });
}

/** As Docker does, a number is an id, although somebody may be called so. */
function findUser(entries: readonly PasswdEntry[], text: string): PasswdEntry | { readonly uid: number } {
  if (!/^\d+$/.test(text)) {
    const named = entries.find(entry => entry.name === text);
    if (named !== undefined) return named;
    if (text === 'root') return { uid: 0 };
    throw unknown('user', text, '/etc/passwd');
  }
  const uid = parseID(text);
  if (uid === undefined) throw numberOutOfRange('uid', text);
  return entries.find(entry => entry.uid === uid) ?? { uid };
}

function findGroup(entries: readonly GroupEntry[], text: string): number {
  if (!/^\d+$/.test(text)) {
    const named = entries.find(entry => entry.name === text);
    if (named !== undefined) return named.gid;
    if (text === 'root') return 0;
    throw unknown('group', text, '/etc/group');
  }
  const gid = parseID(text);
  if (gid === undefined) throw numberOutOfRange('gid', text);
  return gid;
}

/**
 * Looks `USER` up in passwd and group of the rootfs, as Docker does: `name|uid[:group|gid]`. An unknown uid has group 0;
 * supplementary groups come from group(5) only where no group is named.
 *
 * @throws HawserError INVALID_ARGUMENT for an unknown name, a number over 2³¹ − 1, or files that are a FIFO or a device
 */
export function resolveUser(rootfs: string, user: string): ProcessUser {
  const [userText = '', groupText] = user.split(':', 2);
  const passwd = parsePasswd(readRootfsFile(rootfs, '/etc/passwd'));
  const groups = parseGroup(readRootfsFile(rootfs, '/etc/group'));
  const found = findUser(passwd, userText === '' ? '0' : userText);
  const entry = 'name' in found ? found : undefined;
  const home = entry?.home === undefined || entry.home === '' ? '/' : entry.home;
  if (groupText !== undefined && groupText !== '') {
    const gid = findGroup(groups, groupText);
    return { uid: found.uid, gid, additionalGids: [gid], home };
  }
  const gid = entry?.gid ?? 0;
  const additional =
    entry === undefined
      ? []
      : groups.filter(group => group.members.includes(entry.name)).map(group => group.gid);
  return { uid: found.uid, gid, additionalGids: [...new Set([gid, ...additional])], home };
}
