import {
  chmodSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  type Stats,
  symlinkSync,
} from 'node:fs';
import { type FileTime, type FsOps, splitDevice } from './fs-ops.ts';

const SLASH = Buffer.from('/');

function childPath(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, SLASH, name]);
}

/** The modification time to the nanosecond: the float of `Stats.mtimeMs` is too coarse. */
function mtimeOf(path: Buffer): FileTime {
  const { mtimeNs } = lstatSync(path, { bigint: true });
  const nanoseconds = ((mtimeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return { seconds: Number((mtimeNs - nanoseconds) / 1_000_000_000n), nanoseconds: Number(nanoseconds) };
}

/** Gives `target` the owner, mode, attributes and time of `source`; in this order, since a chown clears setuid and file capabilities. */
export function copyMetadata(ops: FsOps, source: Buffer, target: Buffer): void {
  const stat = lstatSync(source);
  lchownSync(target, stat.uid, stat.gid);
  if (!stat.isSymbolicLink()) chmodSync(target, stat.mode & 0o7777);
  for (const name of ops.llistxattr(source)) {
    if (name.startsWith('trusted.overlay.') || name.startsWith('user.overlay.')) continue;
    const value = ops.lgetxattr(source, name);
    if (value !== undefined) ops.lsetxattr(target, name, value);
  }
  ops.utimensat(target, mtimeOf(source));
}

function copyEntry(ops: FsOps, source: Buffer, target: Buffer, stat: Stats): void {
  if (stat.isFile()) ops.copyFile(source, target);
  else if (stat.isSymbolicLink()) symlinkSync(readlinkSync(source, { encoding: 'buffer' }), target);
  else if (stat.isFIFO()) ops.mkfifo(target, 0o600);
  else {
    const type = stat.isBlockDevice() ? 'block-device' : 'character-device';
    ops.mknod(target, { type, mode: 0o600, ...splitDevice(stat.rdev) });
  }
}

/**
 * Copies what is in `source` into the folder `target`, with owners, modes, attributes and nanosecond times. Each name
 * becomes a file of its own, hard link or not: an overlay without index breaks them on the first change too, and only so
 * do both kinds of snapshots give equal layers. Sockets are left out.
 */
export function copyTree(ops: FsOps, source: Buffer, target: Buffer): void {
  for (const name of readdirSync(source, { encoding: 'buffer' })) {
    const from = childPath(source, name);
    const to = childPath(target, name);
    const stat = lstatSync(from);
    if (stat.isSocket()) continue;
    if (stat.isDirectory()) {
      mkdirSync(to, 0o700);
      copyTree(ops, from, to);
    } else {
      copyEntry(ops, from, to, stat);
    }
    copyMetadata(ops, from, to);
  }
  copyMetadata(ops, source, target);
}
