import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HawserError, isHawserError, systemErrorCode } from '../../errors/hawser-error.ts';
import { temporaryPathFor } from '../../util/atomic-file.ts';
import { tryLock } from '../../util/file-lock.ts';
import { BufferPool } from './buffer-pool.ts';
import type {
  DurabilityOptions,
  OrderOptions,
  ReadOptions,
  StorageDriver,
  StorageLock,
  StorageReuse,
  StoredInfo,
} from './driver.ts';
import { spentPath, temporaryFolder, trashPath } from './paths.ts';
import { readChunks } from './read-chunks.ts';
import { changeInThread } from './volume-threads.ts';
import { writeBehind } from './write-behind.ts';

/** Bytes that one read brings as a whole. */
const TINY = 4096;

/** Folders that wait to be used again, and for how many milliseconds; a collector lets them lie for longer. */
const KEPT_FOLDERS = 64;
const KEPT_TIME = 60_000;

interface RetiredFolder {
  readonly path: string;
  /** Milliseconds since 1970. */
  readonly since: number;
}

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

async function openToAppend(path: string): Promise<FileHandle> {
  const flags = constants.O_RDWR | constants.O_CREAT;
  try {
    return await open(path, flags, 0o644);
  } catch (error) {
    if (!isMissing(error)) throw error;
    await changeInThread([{ kind: 'folder', path: dirname(path) }]);
    return await open(path, flags, 0o644);
  }
}

/** A volume on a local disk. */
export class FilesystemDriver implements StorageDriver, StorageReuse {
  readonly #root: string;
  readonly #retired: RetiredFolder[] = [];
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
    const write = { kind: 'write', path: temporary, content, durable } as const;
    const place = { kind: 'place', from: temporary, to: target, durable } as const;
    try {
      if (options.after === undefined) {
        await changeInThread([write, place]);
        return;
      }
      await changeInThread([write]);
      await options.after;
      await changeInThread([place]);
    } catch (error) {
      await rm(temporary, { force: true });
      throw await this.#failed(error, `write ${path}`);
    }
  }

  async append(path: string, source: AsyncIterable<Uint8Array>, offset: number): Promise<number> {
    const target = join(this.#root, path);
    let handle: FileHandle;
    try {
      handle = await openToAppend(target);
    } catch (error) {
      throw await this.#failed(error, `write ${path}`);
    }
    try {
      const { size } = await handle.stat();
      if (size < offset)
        throw new HawserError('STORE_CORRUPT', `${path} has ${size} bytes instead of ${offset}`);
      if (size > offset) await handle.truncate(offset);
      return await writeBehind(handle, source, offset);
    } catch (error) {
      const known = await this.#failed(error, `write ${path}`);
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
    const flush = durable ? [{ kind: 'flush', path: source } as const] : [];
    const place = { kind: 'place', from: source, to: target, durable } as const;
    try {
      if (options.after === undefined) {
        await changeInThread([...flush, place]);
        return;
      }
      if (durable) await changeInThread(flush);
      await options.after;
      await changeInThread([place]);
    } catch (error) {
      if (isMissing(error) && (await this.stat(from)) === undefined) {
        throw new HawserError('NOT_FOUND', `${from} is not in the volume`, { cause: error });
      }
      throw await this.#failed(error, `move ${from} to ${to}`);
    }
  }

  async remove(path: string, options: DurabilityOptions = {}): Promise<void> {
    // Moved away first: a crash in the middle of a removal must not leave half of a folder under its name.
    const trash = join(this.#root, trashPath(randomUUID()));
    const durable = options.durable !== false;
    try {
      await changeInThread([{ kind: 'remove', path: join(this.#root, path), trash, durable }]);
    } catch (error) {
      throw await this.#failed(error, `remove ${path}`);
    }
  }

  async retire(folder: string, file: string): Promise<void> {
    const at = join(this.#root, spentPath(randomUUID()));
    try {
      if (this.#retired.length >= KEPT_FOLDERS) {
        await this.remove(folder, { durable: false });
        return;
      }
      await changeInThread([{ kind: 'retire', folder: join(this.#root, folder), file, to: at }]);
      this.#retired.push({ path: at, since: Date.now() });
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === 'ENOTEMPTY') await this.remove(folder, { durable: false });
      else if (!isMissing(error)) throw await this.#failed(error, `remove ${folder}`);
    }
  }

  async revive(folder: string, file: string, content: string): Promise<boolean> {
    const retired = this.#retired.pop();
    if (retired === undefined) return false;
    if (retired.since < Date.now() - KEPT_TIME) {
      // What lies there for long, a collector may be removing just now; those below lie there for longer.
      this.#retired.push(retired);
      await this.close();
      return false;
    }
    try {
      const to = join(this.#root, folder);
      await changeInThread([{ kind: 'revive', from: retired.path, folder: to, file, content }]);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw await this.#failed(error, `write ${folder}`);
    }
  }

  /** Removes what waits to be used again. */
  async close(): Promise<void> {
    for (const { path } of this.#retired.splice(0)) await rm(path, { recursive: true, force: true });
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

  /** What to throw for an error of the medium; a full disk gets back what is kept for later. */
  async #failed(error: unknown, action: string): Promise<unknown> {
    const known = storageError(error, action);
    if (isHawserError(known, 'NO_SPACE')) await this.close();
    return known;
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
}
