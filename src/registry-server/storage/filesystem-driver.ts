import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HawserError, systemErrorCode } from '../../errors/hawser-error.ts';
import { syncFolder, temporaryPathFor } from '../../util/atomic-file.ts';
import { tryLock } from '../../util/file-lock.ts';
import { BufferPool } from './buffer-pool.ts';
import type {
  DurabilityOptions,
  OrderOptions,
  ReadOptions,
  StorageDriver,
  StorageLock,
  StoredInfo,
} from './driver.ts';
import { temporaryFolder, trashPath } from './paths.ts';
import { readChunks } from './read-chunks.ts';
import { writeBehind } from './write-behind.ts';

/** Bytes that one read brings as a whole. */
const TINY = 4096;
const FOLDER_ATTEMPTS = 20;

const isMissing = (error: unknown): boolean => {
  const code = systemErrorCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
};

/** Errors of the medium that a client can be told of, by their own codes. */
function storageError(error: unknown, action: string): unknown {
  const code = systemErrorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new HawserError('NO_SPACE', `${action}: no space left on the registry's disk`, { cause: error });
  }
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') {
    return new HawserError('PERMISSION_DENIED', `${action}: the volume cannot be written to (${code})`, {
      cause: error,
    });
  }
  return error;
}

async function openNew(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'w', 0o644);
  } catch (error) {
    if (!isMissing(error)) throw error;
    await makeFolders(dirname(path));
    return await open(path, 'w', 0o644);
  }
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Flushes a folder; where it is gone, somebody removed what was written there, after it was. */
async function syncIfThere(path: string): Promise<void> {
  try {
    await syncFolder(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** A volume on a local disk. */
export class FilesystemDriver implements StorageDriver {
  readonly #root: string;
  readonly #buffers = new BufferPool();

  constructor(root: string) {
    this.#root = root;
  }

  async stat(path: string): Promise<StoredInfo | undefined> {
    try {
      const found = await stat(join(this.#root, path));
      const modified = found.mtimeMs;
      return found.isDirectory()
        ? { kind: 'folder', size: 0, modified }
        : { kind: 'file', size: found.size, modified };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async read(path: string, options: ReadOptions = {}): Promise<AsyncGenerator<Uint8Array, void>> {
    return readChunks(await this.#openToRead(path), { ...options, pool: this.#buffers });
  }

  async readSmall(path: string, maxSize: number): Promise<Buffer | undefined> {
    let handle: FileHandle;
    try {
      handle = await open(join(this.#root, path), 'r');
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
    try {
      // One byte more than what is wanted shows that there is more, and a short read that the file ends.
      const size = maxSize <= TINY ? maxSize : Math.min(maxSize, (await handle.stat()).size);
      const buffer = Buffer.allocUnsafe(size + 1);
      let length = 0;
      for (let more = true; more && length < buffer.length; ) {
        const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
        length += bytesRead;
        more = bytesRead > 0 && size > TINY;
      }
      return length > maxSize ? undefined : buffer.subarray(0, length);
    } catch (error) {
      if (systemErrorCode(error) === 'EISDIR') return undefined;
      throw error;
    } finally {
      await handle.close();
    }
  }

  async list(path: string): Promise<readonly string[]> {
    try {
      return (await readdir(join(this.#root, path))).sort();
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  async write(
    path: string,
    content: Uint8Array | string,
    options: DurabilityOptions & OrderOptions = {},
  ): Promise<void> {
    const durable = options.durable !== false;
    const target = join(this.#root, path);
    const temporary = temporaryPathFor(join(this.#root, temporaryFolder, basename(target)));
    try {
      const handle = await openNew(temporary);
      try {
        await handle.writeFile(content);
        if (durable) await handle.sync();
      } finally {
        await handle.close();
      }
      await options.after;
      await this.#inFolder(target, durable, () => rename(temporary, target));
      if (durable) await syncIfThere(dirname(target));
    } catch (error) {
      await rm(temporary, { force: true });
      throw storageError(error, `write ${path}`);
    }
  }

  async append(path: string, source: AsyncIterable<Uint8Array>, offset: number): Promise<number> {
    const target = join(this.#root, path);
    let handle: FileHandle;
    try {
      await makeFolders(dirname(target));
      handle = await open(target, constants.O_RDWR | constants.O_CREAT, 0o644);
    } catch (error) {
      throw storageError(error, `write ${path}`);
    }
    try {
      const { size } = await handle.stat();
      if (size < offset)
        throw new HawserError('STORE_CORRUPT', `${path} has ${size} bytes instead of ${offset}`);
      if (size > offset) await handle.truncate(offset);
      return await writeBehind(handle, source, offset);
    } catch (error) {
      const known = storageError(error, `write ${path}`);
      // A full disk gets the space of this request back, so that others can end theirs.
      if (known !== error) await handle.truncate(offset);
      throw known;
    } finally {
      await handle.close();
    }
  }

  async move(from: string, to: string, options: OrderOptions & DurabilityOptions = {}): Promise<void> {
    const durable = options.durable !== false;
    const source = join(this.#root, from);
    const target = join(this.#root, to);
    try {
      if (durable) await syncFile(source);
      await options.after;
      await this.#inFolder(target, durable, () => rename(source, target));
      if (durable) await syncIfThere(dirname(target));
    } catch (error) {
      if (isMissing(error) && (await this.stat(from)) === undefined) {
        throw new HawserError('NOT_FOUND', `${from} is not in the volume`, { cause: error });
      }
      throw storageError(error, `move ${from} to ${to}`);
    }
  }

  async remove(path: string, options: DurabilityOptions = {}): Promise<void> {
    const source = join(this.#root, path);
    // Moved away first: a crash in the middle of a removal must not leave half of a folder under its name.
    const trash = join(this.#root, trashPath(randomUUID()));
    try {
      await makeFolders(dirname(trash));
      await rename(source, trash);
    } catch (error) {
      if (isMissing(error)) return;
      throw storageError(error, `remove ${path}`);
    }
    if (options.durable !== false) await syncIfThere(dirname(source));
    await rm(trash, { recursive: true, force: true });
  }

  async prune(path: string, top: string): Promise<void> {
    for (let folder = path; folder.startsWith(`${top}/`); folder = dirname(folder)) {
      try {
        await rmdir(join(this.#root, folder));
      } catch (error) {
        const code = systemErrorCode(error);
        if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') return;
        if (code !== 'ENOENT') throw error;
      }
    }
  }

  async tryLock(path: string): Promise<StorageLock | undefined> {
    const handle = await this.#openToRead(path);
    const isLocked = tryLock(handle, path);
    if (!isLocked) await handle.close();
    return isLocked ? { release: () => handle.close() } : undefined;
  }

  async #openToRead(path: string): Promise<FileHandle> {
    try {
      return await open(join(this.#root, path), 'r');
    } catch (error) {
      if (isMissing(error))
        throw new HawserError('NOT_FOUND', `${path} is not in the volume`, { cause: error });
      throw error;
    }
  }

  /** Makes the folder of `target`, then does `work`; again, where somebody removed the folder in between. */
  async #inFolder(target: string, durable: boolean, work: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#ensureFolder(dirname(target), durable);
        await work();
        return;
      } catch (error) {
        if (!isMissing(error) || attempt === FOLDER_ATTEMPTS) throw error;
      }
    }
  }

  /** Makes a folder and its parents; a folder that is not on disk after a crash takes what is in it along. */
  async #ensureFolder(path: string, durable: boolean): Promise<void> {
    const first = await makeFolders(path);
    if (first === undefined || !durable) return;
    for (let folder = dirname(path); folder.length >= dirname(first).length; folder = dirname(folder)) {
      await syncFolder(folder);
    }
  }
}

/**
 * Makes a folder and its parents. Not by `recursive`, which calls a full disk a folder that is missing.
 *
 * @returns the topmost one that was made
 */
async function makeFolders(path: string): Promise<string | undefined> {
  try {
    await mkdir(path);
    return path;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'EEXIST') return undefined;
    if (code !== 'ENOENT') throw error;
  }
  const first = await makeFolders(dirname(path));
  return (await makeFolders(path)) === undefined ? first : (first ?? path);
}
