import {
  chmodSync,
  chownSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  lchownSync,
  lutimesSync,
  type Stats,
} from 'node:fs';
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

/** The mode to open a new file with: nothing that runs as another before its owner is set. */
export function modeAtBirth(entry: TarEntry): number {
  return entry.mode & 0o777;
}

/**
 * Sets owner and mode of new files. The umask, a setgid folder, default ACLs and some mount options change both at
 * birth, for all files of a folder in the same way: the first one of each mode is looked at, and what is right already is
 * not set again, which spares most files two changes of their inode.
 */
export class FileMetadata {
  readonly #options: MetadataOptions;
  #folder: ByteString | undefined;
  readonly #births = new Map<number, Pick<Stats, 'uid' | 'gid' | 'mode'>>();

  constructor(options: MetadataOptions) {
    this.#options = options;
  }

  /** To be called when the metadata of a folder changes, or another folder takes its place. */
  forget(): void {
    this.#folder = undefined;
  }

  /** For a file that was opened in `folder` with `modeAtBirth`. Attributes and times are to be set after it. */
  setOwnerAndMode(fd: number, folder: ByteString, entry: TarEntry): void {
    const { uid, gid, mode } = this.#birth(fd, folder, modeAtBirth(entry));
    const isOwned = !this.#options.isPrivileged || (uid === entry.uid && gid === entry.gid);
    if (!isOwned) fchownSync(fd, entry.uid, entry.gid);
    if (!isOwned || (mode & 0o7777) !== entry.mode) fchmodSync(fd, entry.mode);
  }

  #birth(fd: number, folder: ByteString, mode: number): Pick<Stats, 'uid' | 'gid' | 'mode'> {
    if (this.#folder !== folder) {
      this.#folder = folder;
      this.#births.clear();
    }
    let birth = this.#births.get(mode);
    if (birth === undefined) {
      birth = fstatSync(fd);
      this.#births.set(mode, birth);
    }
    return birth;
  }
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
