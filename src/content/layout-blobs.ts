import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { type Digest, type DigestAlgorithm, digestAlgorithm, digestHex, isDigest } from '../image/digest.ts';
import { throwIfAborted } from '../util/abort.ts';
import { syncFolder } from '../util/atomic-file.ts';
import { namesInSync } from '../util/names-in.ts';
import { isRunning, ownIdentity } from '../util/process-identity.ts';
import { ArrivingFile } from './arrivals.ts';
import type {
  BlobCatalog,
  BlobFiles,
  BlobInfo,
  BlobReader,
  BlobWriter,
  IngestOptions,
  OpenBlobOptions,
} from './store.ts';
import { ContentCheck, resolveRange, unknownBlob } from './verify.ts';

const WRITE_SIZE = 1024 * 1024;
const SMALL_SIZE = 64 * 1024;
const algorithms: readonly DigestAlgorithm[] = ['sha256', 'sha512'];

function becameShorter(digest: Digest): HawserError {
  return new HawserError('STORE_CORRUPT', `blob ${digest} became shorter while it was read`);
}

/** A full disk gets its own code, whichever call met it. */
function writeError(error: unknown, action: string): unknown {
  const code = systemErrorCode(error);
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new HawserError('NO_SPACE', `${action}: no space left on the disk`, { cause: error });
}

/** Writes what `source` yields in pieces of about 1 MiB; the next piece is hashed while one is on its way. */
async function writeChecked(
  handle: FileHandle,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: { readonly check: ContentCheck; readonly onWritten: (bytes: number) => void },
): Promise<void> {
  const { check, onWritten } = options;
  let pending: Uint8Array[] = [];
  let pendingSize = 0;
  let writing: Promise<unknown> = Promise.resolve();
  const flush = async () => {
    await writing;
    const pieces = pending;
    pending = [];
    pendingSize = 0;
    writing = writeAll(handle, pieces).then(onWritten);
    // The failure is met by the `await` above or below; without this, Node would call it unhandled in between.
    writing.catch(() => undefined);
  };
  try {
    for await (const chunk of source) {
      if (chunk.length === 0) continue;
      check.update(chunk);
      pending.push(chunk);
      pendingSize += chunk.length;
      if (pendingSize >= WRITE_SIZE) await flush();
    }
    if (pendingSize > 0) await flush();
  } finally {
    await writing;
  }
}

/** @returns how many bytes that were */
async function writeAll(handle: FileHandle, pieces: readonly Uint8Array[]): Promise<number> {
  const total = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const { bytesWritten } = await handle.writev(pieces);
  if (bytesWritten === total) return total;
  // A short write: say the rest again in one piece, so that a full disk shows its errno.
  let rest: Uint8Array = Buffer.concat(pieces).subarray(bytesWritten);
  while (rest.length > 0) {
    const written = await handle.write(rest);
    rest = rest.subarray(written.bytesWritten);
  }
  return total;
}

/** The blobs of an OCI image layout on a local disk; image-spec 1.1 image-layout.md, "Blobs". */
export class LayoutBlobs implements BlobReader, BlobWriter, BlobCatalog, BlobFiles {
  readonly #root: string;
  readonly #ingest: string;

  /** @param ingest Where temporary files go: on the file system of `root`, but outside of it. */
  constructor(root: string, ingest: string) {
    this.#root = root;
    this.#ingest = ingest;
  }

  pathOf(digest: Digest): string {
    return join(this.#root, 'blobs', digestAlgorithm(digest), digestHex(digest));
  }

  async stat(digest: Digest): Promise<BlobInfo | undefined> {
    // At once, like the reading of small blobs: a build looks at dozens, and a thread costs more than the call.
    const size = statSync(this.pathOf(digest), { throwIfNoEntry: false })?.size;
    return size === undefined ? undefined : { digest, size };
  }

  async *open(digest: Digest, options: OpenBlobOptions = {}): AsyncGenerator<Uint8Array, void> {
    const info = await this.stat(digest);
    if (info === undefined) throw unknownBlob(digest);
    const { start, end } = resolveRange(info, options);
    if (end - start <= SMALL_SIZE) {
      if (end > start) yield this.#readSmall(digest, start, end);
      return;
    }
    const handle = await open(this.pathOf(digest), 'r');
    try {
      for (let position = start; position < end; ) {
        throwIfAborted(options.signal);
        const buffer = Buffer.allocUnsafeSlow(Math.min(WRITE_SIZE, end - position));
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
        if (bytesRead === 0) throw becameShorter(digest);
        position += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await handle.close();
    }
  }

  #readSmall(digest: Digest, start: number, end: number): Uint8Array {
    const buffer = Buffer.allocUnsafeSlow(end - start);
    const fd = openSync(this.pathOf(digest), 'r');
    try {
      for (let length = 0; length < buffer.length; ) {
        const bytesRead = readSync(fd, buffer, length, buffer.length - length, start + length);
        if (bytesRead === 0) throw becameShorter(digest);
        length += bytesRead;
      }
    } finally {
      closeSync(fd);
    }
    return buffer;
  }

  async ingest(
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    options: IngestOptions = {},
  ): Promise<BlobInfo> {
    throwIfAborted(options.signal);
    const present = await this.#present(options);
    if (present !== undefined) return present;
    const temporary = await this.temporaryPath();
    const arriving = new ArrivingFile(temporary);
    try {
      const handle = await open(temporary, 'wx', 0o644);
      options.onArriving?.(arriving);
      const info = await this.#writeWhole(handle, source, { ...options, arriving });
      await this.#publish(temporary, info.digest);
      arriving.finish();
      return info;
    } catch (cause) {
      await rm(temporary, { force: true });
      const error = writeError(cause, `write ${options.digest ?? 'a blob'}`);
      arriving.fail(error);
      throw error;
    }
  }

  /** Writes, verifies and flushes a file, and closes it. */
  async #writeWhole(
    handle: FileHandle,
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    options: IngestOptions & { readonly arriving: ArrivingFile },
  ): Promise<BlobInfo> {
    const check = new ContentCheck(options);
    let info: BlobInfo;
    try {
      await writeChecked(handle, source, { check, onWritten: bytes => options.arriving.grow(bytes) });
      info = check.end();
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (options.digest === undefined) await options.lease?.add(info.digest);
    return info;
  }

  /** The blob that is announced, where it is here already; from then on under the lease. */
  async #present({ digest, size, lease }: IngestOptions): Promise<BlobInfo | undefined> {
    if (digest === undefined) return undefined;
    await lease?.add(digest);
    const info = await this.stat(digest);
    return info !== undefined && (size === undefined || size === info.size) ? info : undefined;
  }

  async adopt(path: string, info: BlobInfo): Promise<void> {
    try {
      const handle = await open(path, 'r');
      try {
        const { size } = await handle.stat();
        if (size !== info.size) {
          throw new HawserError(
            'SIZE_INVALID',
            `${path} has ${size} bytes instead of ${info.size} of ${info.digest}`,
          );
        }
        await handle.sync();
      } finally {
        await handle.close();
      }
      await this.#publish(path, info.digest);
    } catch (error) {
      await rm(path, { force: true });
      throw writeError(error, `write ${info.digest}`);
    }
  }

  /** Gives a finished, flushed file its name. Two processes may race to it: they bring the same bytes. */
  async #publish(path: string, digest: Digest): Promise<void> {
    const target = this.pathOf(digest);
    const folder = join(this.#root, 'blobs', digestAlgorithm(digest));
    try {
      await rename(path, target);
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
      await mkdir(folder, { recursive: true });
      await rename(path, target);
    }
    await syncFolder(folder);
  }

  async temporaryPath(): Promise<string> {
    await mkdir(this.#ingest, { recursive: true });
    const { pid, start } = ownIdentity();
    return join(this.#ingest, `${pid}-${start}-${randomBytes(8).toString('hex')}.tmp`);
  }

  async sweepTemporary(): Promise<number> {
    let removed = 0;
    for (const name of namesInSync(this.#ingest)) {
      const match = /^(\d+)-(\d+)-[0-9a-f]+\.tmp$/.exec(name);
      if (match === null || isRunning({ pid: Number(match[1]), start: match[2] as string })) continue;
      await rm(join(this.#ingest, name), { force: true, recursive: true });
      removed++;
    }
    return removed;
  }

  async *list(): AsyncGenerator<BlobInfo, void> {
    for (const algorithm of algorithms) {
      for (const name of namesInSync(join(this.#root, 'blobs', algorithm))) {
        const digest = `${algorithm}:${name}`;
        const info = isDigest(digest) ? await this.stat(digest) : undefined;
        if (info !== undefined) yield info;
      }
    }
  }

  async remove(digest: Digest): Promise<boolean> {
    try {
      await rm(this.pathOf(digest));
      return true;
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return false;
      throw error;
    }
  }
}
