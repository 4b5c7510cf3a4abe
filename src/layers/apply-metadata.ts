import { chmodSync, chownSync, fchmodSync, fchownSync, futimesSync, lchownSync, lutimesSync } from 'node:fs';
import { isHawserError, systemErrorCode } from '../errors/hawser-error.ts';
import type { TarEntry, TarTime } from '../tar/entry.ts';
import { type ByteString, fsPath, textOf } from '../util/byte-string.ts';
import { fsOps } from './fs-ops.ts';

/*
 * Owner, then mode, then attributes, then times: chown(2) clears setuid bits and file capabilities, and the rest changes
 * no times that matter. docs/layer-invariants.md
 */

export interface MetadataOptions {
  /** False for users who may not give files away: owners are left as they are, and what EPERM forbids is left out. */
  readonly isPrivileged: boolean;
}

/** Attributes that steer overlayfs, or that the kernel makes itself; a layer may not set or clear them. */
function isReserved(name: string): boolean {
  return (
    name.startsWith('trusted.overlay.') || name.startsWith('user.overlay.') || name === 'security.selinux'
  );
}

function errnoOf(error: unknown): string | undefined {
  if (!isHawserError(error)) return systemErrorCode(error);
  const detail = error.detail as { readonly errno?: unknown } | undefined;
  return typeof detail?.errno === 'string' ? detail.errno : undefined;
}

/**
 * A file system without attributes loses all but `security.*`, which change what a program may do and so fail; without
 * privilege, what EPERM forbids is left out.
 */
export function setXattrs(path: ByteString, entry: TarEntry, options: MetadataOptions): void {
  for (const [name, value] of entry.xattrs) {
    if (isReserved(name)) continue;
    try {
      fsOps.lsetxattr(fsPath(path), textOf(name as ByteString), value);
    } catch (error) {
      const errno = errnoOf(error);
      const isUnsupported = errno === 'ENOTSUP' || errno === 'EOPNOTSUPP';
      // Attributes of users are for files and folders only: the kernel says EPERM for links and devices.
      const isForbidden = errno === 'EPERM' && (!options.isPrivileged || name.startsWith('user.'));
      if (!(isUnsupported && !name.startsWith('security.')) && !isForbidden) throw error;
    }
  }
}

/** Removes the attributes that a folder had and the entry does not have. */
function clearXattrs(path: ByteString, entry: TarEntry): void {
  for (const name of fsOps.llistxattr(fsPath(path))) {
    if (!isReserved(name) && !name.startsWith('system.nfs4') && !entry.xattrs.has(name)) {
      fsOps.lremovexattr(fsPath(path), name);
    }
  }
}

/** For an open file. Its attributes and times are set by `finishFile`. */
export function setFileOwnerAndMode(fd: number, entry: TarEntry, options: MetadataOptions): void {
  if (options.isPrivileged) fchownSync(fd, entry.uid, entry.gid);
  fchmodSync(fd, entry.mode);
}

/** Node's times are floating-point seconds, exact for whole ones; and it takes a time before 1970 for the present one. */
function isPlainTime({ seconds, nanoseconds }: TarTime): boolean {
  return nanoseconds === 0 && seconds >= 0;
}

export function setFileTime(fd: number, path: ByteString, mtime: TarTime): void {
  if (isPlainTime(mtime)) futimesSync(fd, mtime.seconds, mtime.seconds);
  else fsOps.utimensat(fsPath(path), mtime);
}

export function setTime(path: ByteString, mtime: TarTime): void {
  if (isPlainTime(mtime)) lutimesSync(fsPath(path), mtime.seconds, mtime.seconds);
  else fsOps.utimensat(fsPath(path), mtime);
}

/** For devices, FIFOs and symlinks (which have no mode). */
export function setNodeMetadata(path: ByteString, entry: TarEntry, options: MetadataOptions): void {
  if (options.isPrivileged) lchownSync(fsPath(path), entry.uid, entry.gid);
  if (entry.type !== 'symlink') chmodSync(fsPath(path), entry.mode);
  if (entry.xattrs.size > 0) setXattrs(path, entry, options);
  setTime(path, entry.mtime);
}

/** For a folder, all but its time, which comes last of all. Without privilege it stays writable until then. */
export function setFolderMetadata(
  path: ByteString,
  entry: TarEntry,
  options: MetadataOptions & { readonly isNew: boolean },
): void {
  if (options.isPrivileged) chownSync(fsPath(path), entry.uid, entry.gid);
  chmodSync(fsPath(path), options.isPrivileged ? entry.mode : entry.mode | 0o700);
  if (!options.isNew) clearXattrs(path, entry);
  if (entry.xattrs.size > 0) setXattrs(path, entry, options);
}
