import { constants, copyFileSync, lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { errnoNumber, lastErrno, libcFunction, syscallError } from '../util/syscalls.ts';

/*
 * The declarations of layers/ over util/syscalls.ts: what Node's fs lacks. All of it is synchronous, about 1 µs a call,
 * works inside worker threads, and never follows a symlink at the end of a path. docs/decisions/0001-syscall-seam.md
 */

/** A path; bytes where the name may not be UTF-8. */
type PathName = string | Buffer;

/** A point in time since 1970; `nanoseconds` 0 … 999,999,999. `seconds` may be negative. */
export interface FileTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

interface DeviceNode {
  readonly type: 'character-device' | 'block-device' | 'fifo' | 'file';
  /** Permission bits, minus the umask. */
  readonly mode: number;
  readonly major?: number;
  readonly minor?: number;
}

/** Extended attributes, xattr(7), of the very file, not of what a symlink points to. */
interface XattrOps {
  lsetxattr(path: PathName, name: string, value: Uint8Array): void;
  /** Undefined where the attribute is not there, or the file system has none. */
  lgetxattr(path: PathName, name: string): Buffer | undefined;
  /** Names, in the kernel's order; empty where the file system has none. */
  llistxattr(path: PathName): readonly string[];
  /** False where it was not there. */
  lremovexattr(path: PathName, name: string): boolean;
}

interface NodeOps {
  mknod(path: PathName, node: DeviceNode): void;
  mkfifo(path: PathName, mode: number): void;
  /** Sets the times of the very file, symlink or not; the access time is `mtime` unless given. */
  utimensat(path: PathName, mtime: FileTime, atime?: FileTime): void;
  /** Sets both times of an open file. */
  futimens(fd: number, time: FileTime): void;
  /** Copies the content of a plain file to a path that must not exist: shared blocks where the file system can. */
  copyFile(source: PathName, target: PathName): void;
}

interface MountOptions {
  readonly type?: string;
  /** MS_* of `mountFlags`. */
  readonly flags?: number;
  /** The file system's own options, e.g. `lowerdir=…`. At most a page (4,095 bytes). */
  readonly data?: string;
}

interface MountOps {
  mount(source: string, target: string, options: MountOptions): void;
  /** Unmounts at once, detaching what is in use; false where nothing is mounted. */
  unmount(target: string): boolean;
}

export type FsOps = XattrOps & NodeOps & MountOps;

/** mount(2) */
export const mountFlags = {
  readOnly: 1,
  noSuid: 2,
  noDev: 4,
  noExec: 8,
  remount: 32,
  bind: 4096,
  recursive: 16384,
  private: 1 << 18,
} as const;

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;
const nodeTypes = { fifo: 0o010000, 'character-device': 0o020000, 'block-device': 0o060000, file: 0o100000 };

const zero = Buffer.alloc(1);

/** The path as C wants it: ended by a NUL byte, and none before it. */
function cPath(path: PathName): PathName {
  if (path.includes('\0')) throw new HawserError('INVALID_ARGUMENT', `${quote(path)} has a NUL byte`);
  return typeof path === 'string' ? path : Buffer.concat([path, zero]);
}

function quote(path: PathName): string {
  return JSON.stringify(typeof path === 'string' ? path : path.toString('utf8'));
}

/** Throws for a call that returned -1, unless its errno is one of `allowed`; whether it was. */
function failed(result: number, action: () => string, allowed: readonly string[] = []): boolean {
  if (result >= 0) return false;
  const errno = lastErrno();
  if (allowed.some(name => errnoNumber(name) === errno)) return true;
  throw syscallError(action(), errno);
}

/** gnu_dev_makedev(3) */
export function makeDevice(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return (
    ((high & 0xffff_f000n) << 32n) | ((high & 0xfffn) << 8n) | ((low & 0xffff_ff00n) << 12n) | (low & 0xffn)
  );
}

/** The two parts of an `st_rdev`; gnu_dev_major(3), gnu_dev_minor(3). */
export function splitDevice(rdev: number | bigint): { readonly major: number; readonly minor: number } {
  const device = BigInt(rdev);
  return {
    major: Number(((device >> 32n) & 0xffff_f000n) | ((device >> 8n) & 0xfffn)),
    minor: Number(((device >> 12n) & 0xffff_ff00n) | (device & 0xffn)),
  };
}

const noAttribute = ['ENODATA', 'EOPNOTSUPP'];
let scratch: Buffer | undefined;

/** Calls with a reused buffer, and again with a large enough one where that was too small (XATTR_SIZE_MAX is 64 KiB). */
function readInto(call: (buffer: Buffer) => number, action: () => string): Buffer | undefined {
  scratch ??= Buffer.allocUnsafeSlow(4096);
  let length = call(scratch);
  if (failed(length, action, [...noAttribute, 'ERANGE'])) {
    if (lastErrno() !== errnoNumber('ERANGE')) return undefined;
    scratch = Buffer.allocUnsafeSlow(65_536);
    length = call(scratch);
    if (failed(length, action, noAttribute)) return undefined;
  }
  return Buffer.from(scratch.subarray(0, length));
}

const xattrOps: XattrOps = {
  lsetxattr(path, name, value) {
    const call = libcFunction(
      'int lsetxattr(const char *path, const char *name, const void *value, size_t size, int flags)',
    );
    failed(
      call(cPath(path), name, value, value.length, 0),
      () => `set the attribute ${name} of ${quote(path)}`,
    );
  },
  lgetxattr(path, name) {
    const call = libcFunction(
      'long lgetxattr(const char *path, const char *name, _Out_ void *value, size_t size)',
    );
    const target = cPath(path);
    return readInto(
      buffer => call(target, name, buffer, buffer.length) as number,
      () => `read the attribute ${name} of ${quote(path)}`,
    );
  },
  llistxattr(path) {
    const call = libcFunction('long llistxattr(const char *path, _Out_ void *list, size_t size)');
    const target = cPath(path);
    const list = readInto(
      buffer => call(target, buffer, buffer.length) as number,
      () => `list the attributes of ${quote(path)}`,
    );
    if (list === undefined || list.length === 0) return [];
    return list.subarray(0, -1).toString('utf8').split('\0');
  },
  lremovexattr(path, name) {
    const call = libcFunction('int lremovexattr(const char *path, const char *name)');
    const action = () => `remove the attribute ${name} of ${quote(path)}`;
    return !failed(call(cPath(path), name), action, noAttribute);
  },
};

const timesBuffer = Buffer.alloc(32);

function writeTime(time: FileTime, offset: number): void {
  timesBuffer.writeBigInt64LE(BigInt(time.seconds), offset);
  timesBuffer.writeBigInt64LE(BigInt(time.nanoseconds), offset + 8);
}

const nodeOps: NodeOps = {
  mknod(path, node) {
    const call = libcFunction('int mknod(const char *path, unsigned int mode, uint64_t dev)');
    const device = makeDevice(node.major ?? 0, node.minor ?? 0);
    const result = call(cPath(path), nodeTypes[node.type] | node.mode, device) as number;
    failed(result, () => `make the ${node.type} ${quote(path)} (${node.major ?? 0}:${node.minor ?? 0})`);
  },
  mkfifo(path, mode) {
    nodeOps.mknod(path, { type: 'fifo', mode });
  },
  utimensat(path, mtime, atime = mtime) {
    const call = libcFunction('int utimensat(int folder, const char *path, const void *times, int flags)');
    writeTime(atime, 0);
    writeTime(mtime, 16);
    const result = call(AT_FDCWD, cPath(path), timesBuffer, AT_SYMLINK_NOFOLLOW) as number;
    failed(result, () => `set the times of ${quote(path)}`);
  },
  futimens(fd, time) {
    const call = libcFunction('int futimens(int file, const void *times)');
    writeTime(time, 0);
    writeTime(time, 16);
    failed(call(fd, timesBuffer) as number, () => 'set the times of a file');
  },
  copyFile(source, target) {
    try {
      // libuv: ioctl FICLONE, else copy_file_range(2), else reading and writing
      copyFileSync(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOSPC' && systemErrorCode(error) !== 'EDQUOT') throw error;
      throw new HawserError('NO_SPACE', `copy ${quote(source)} to ${quote(target)}: the disk is full`, {
        cause: error,
      });
    }
  },
};

/** Whether another file system is mounted on `folder`. */
export function isMountPoint(folder: string): boolean {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  return stat !== undefined && stat.dev !== lstatSync(dirname(folder)).dev;
}

const mountOps: MountOps = {
  mount(source, target, options) {
    const call = libcFunction(
      'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
    );
    const { type = null, flags = 0, data = null } = options;
    if (data !== null && Buffer.byteLength(data) > 4095) {
      throw new HawserError(
        'MOUNT_FAILED',
        `mount ${quote(target)}: ${Buffer.byteLength(data)} bytes of options`,
      );
    }
    const result = call(cPath(source), cPath(target), type, flags, data) as number;
    if (result < 0) {
      const cause = syscallError(`mount ${type ?? quote(source)} on ${quote(target)}`, lastErrno());
      if (cause.code === 'NO_SPACE') throw cause;
      throw new HawserError('MOUNT_FAILED', cause.message, { cause, detail: cause.detail });
    }
  },
  unmount(target) {
    const call = libcFunction('int umount2(const char *target, int flags)');
    const result = call(cPath(target), MNT_DETACH | UMOUNT_NOFOLLOW) as number;
    if (result >= 0) return true;
    const errno = lastErrno();
    if (['EINVAL', 'ENOENT'].some(name => errnoNumber(name) === errno)) return false;
    // Without CAP_SYS_ADMIN that is the answer for whatever path; nothing of ours is mounted then.
    if (errno === errnoNumber('EPERM') && !isMountPoint(target)) return false;
    throw syscallError(`unmount ${quote(target)}`, errno);
  },
};

/** The system calls of this machine. */
export const fsOps: FsOps = { ...xattrOps, ...nodeOps, ...mountOps };
