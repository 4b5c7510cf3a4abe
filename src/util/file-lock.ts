import { closeSync, fstatSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { throwIfAborted } from './abort.ts';
import { errnoNumber, lastErrno, libcFunction, syscallError } from './syscalls.ts';

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;

export interface FileLockOptions {
  /** Several holders at once; default false. */
  readonly shared?: boolean;
  /** Milliseconds until LOCK_TIMEOUT; default 30,000. 0 tries once. */
  readonly timeout?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface FileLock {
  release(): Promise<void>;
}

/** Tries once for a flock(2) on an open file, held until it is closed; false when another one holds it. */
export function tryLock(file: { readonly fd: number }, path: string, shared = false): boolean {
  const flock = libcFunction('int flock(int fd, int operation)');
  if (flock(file.fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) === 0) return true;
  const errno = lastErrno();
  if (
    errno === errnoNumber('EWOULDBLOCK') ||
    errno === errnoNumber('EAGAIN') ||
    errno === errnoNumber('EINTR')
  )
    return false;
  throw syscallError(`lock ${path}`, errno);
}

function openLock(path: string): number {
  try {
    return openSync(path, 'a+', 0o644);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, 'a+', 0o644);
  }
}

/**
 * Takes the flock(2) on `path`, which is made where it is missing and never removed. The kernel lets go of it when the
 * process dies, so that `kill -9` leaves no lock behind. The waiting is a poll, since a blocked call would hold a thread;
 * a free lock is taken at once, since a build takes dozens and the way over a thread is longer than the call.
 *
 * @throws HawserError LOCK_TIMEOUT, ABORTED
 */
export async function lockFile(path: string, options: FileLockOptions = {}): Promise<FileLock> {
  const fd = await openLocked(path, options);
  return { release: async () => closeSync(fd) };
}

/**
 * As `lockFile`, of a file that goes with its lock, for locks whose names are without number. What a killed process
 * leaves is an empty file, which the next holder removes.
 *
 * @throws HawserError LOCK_TIMEOUT, ABORTED
 */
export async function lockTransientFile(path: string, options: FileLockOptions = {}): Promise<FileLock> {
  for (;;) {
    const fd = await openLocked(path, options);
    // Between opening and locking, the holder before may have removed it, and another one made the next.
    if (statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino) {
      return {
        release: async () => {
          rmSync(path, { force: true });
          closeSync(fd);
        },
      };
    }
    closeSync(fd);
  }
}

async function openLocked(path: string, options: FileLockOptions): Promise<number> {
  const fd = openLock(path);
  const deadline = Date.now() + (options.timeout ?? 30_000);
  try {
    for (let pause = 1; !tryLock({ fd }, path, options.shared === true); pause = Math.min(pause * 2, 50)) {
      throwIfAborted(options.signal);
      if (Date.now() >= deadline)
        throw new HawserError('LOCK_TIMEOUT', `${path} is locked by another process`);
      await delay(pause);
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

/** Runs `work` under the lock on `path`. */
export async function withFileLock<Result>(
  path: string,
  work: () => Promise<Result>,
  options: FileLockOptions = {},
): Promise<Result> {
  const lock = await lockFile(path, options);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}
