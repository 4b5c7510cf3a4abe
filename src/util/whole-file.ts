import { closeSync, openSync, writeFileSync } from 'node:fs';
import { constants, type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { temporaryPathFor } from './atomic-file.ts';
import { lastErrno, libcFunction, syscallError } from './syscalls.ts';

/** open(2): a file without a name, which goes with its last descriptor. Node has no constant for it. */
const unnamed = 0o20000000 | constants.O_DIRECTORY;
/** What file systems and kernels without such files say. */
const unsupported = new Set(['EOPNOTSUPP', 'ENOTSUP', 'EISDIR', 'EINVAL']);

type Source = AsyncIterable<Uint8Array>;

async function writeAll(file: FileHandle, source: Source): Promise<void> {
  for await (const chunk of source) await file.writeFile(chunk);
}

async function openUnnamed(folder: string): Promise<FileHandle | undefined> {
  try {
    return await open(folder, constants.O_WRONLY | unnamed, 0o666);
  } catch (error) {
    if (unsupported.has(systemErrorCode(error) ?? '')) return undefined;
    throw error;
  }
}

/** linkat(2) with AT_SYMLINK_FOLLOW, which takes a descriptor's file. @returns what the call returns */
function linkDescriptor(fd: number, path: string): number {
  const link = libcFunction(
    'int linkat(int fromFolder, const char *from, int toFolder, const char *to, int flags)',
  );
  const [currentFolder, follow] = [-100, 0x400];
  return link(currentFolder, `/proc/self/fd/${fd}`, currentFolder, path, follow) as number;
}

function nameFile(fd: number, path: string): void {
  if (linkDescriptor(fd, path) < 0) throw syscallError(`name ${JSON.stringify(path)}`, lastErrno());
}

/**
 * Makes a small file that is not there yet: it has no name until it is whole, so that a process that is killed leaves
 * nothing. Not flushed.
 *
 * @returns false, and nothing is done, where there is one already, no folder for it, or no such files on its file system
 */
export function createWholeFile(path: string, content: string): boolean {
  let fd: number;
  try {
    fd = openSync(dirname(path), constants.O_WRONLY | unnamed, 0o644);
  } catch (error) {
    const code = systemErrorCode(error) ?? '';
    if (code === 'ENOENT' || unsupported.has(code)) return false;
    throw error;
  }
  try {
    writeFileSync(fd, content);
    return linkDescriptor(fd, path) === 0;
  } finally {
    closeSync(fd);
  }
}

/** A temporary name is there for no longer than two calls take, or, where it must be, as long as it is written. */
async function replaceFile(path: string, source: Source): Promise<void> {
  const temporary = temporaryPathFor(path);
  const nameless = await openUnnamed(dirname(path));
  const file = nameless ?? (await open(temporary, 'wx', 0o666));
  try {
    await writeAll(file, source);
    if (nameless !== undefined) nameFile(file.fd, temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

async function writeIntoPresent(path: string, source: Source): Promise<void> {
  const file = await open(path, constants.O_WRONLY);
  try {
    await writeAll(file, source);
  } finally {
    await file.close();
  }
}

/**
 * Writes a file that is there whole or not at all; what was there stays until then, and a killed process leaves nothing.
 * A device or a pipe gets the bytes as they come.
 *
 * @throws HawserError NO_SPACE, and what `source` throws
 */
export async function writeWholeFile(path: string, source: Source): Promise<void> {
  try {
    const present = await stat(path).catch(() => undefined);
    if (present === undefined || present.isFile()) await replaceFile(path, source);
    else await writeIntoPresent(path, source);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
    throw new HawserError('NO_SPACE', `write ${path}: no space left on the disk`, { cause: error });
  }
}
