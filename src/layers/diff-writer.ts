import { closeSync, fsyncSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { type Digest, Digester } from '../image/digest.ts';
import { encodeEntry, endOfArchive, tarPadding } from '../tar/writer.ts';
import { type ByteString, fsPath, textOf } from '../util/byte-string.ts';
import { type DiffItem, type DiffOptions, diffTree } from './diff-tree.ts';
import type { SnapshotChanges } from './snapshotter.ts';

export interface WrittenLayer {
  readonly digest: Digest;
  /** Bytes of the archive. */
  readonly size: number;
  readonly entries: number;
}

/** What a worker thread is given. */
export interface DiffJob {
  readonly changes: SnapshotChanges;
  readonly path: string;
  readonly options: DiffOptions;
}

const bufferSize = 1024 * 1024;

/** Where the archive goes, one buffer at a time. The buffer is used again. */
type Flush = (bytes: Uint8Array) => void;

/** Packs archives into a reused buffer: headers are copied in, contents read in straight from their files. */
class ArchivePacker {
  readonly #buffer: Buffer;
  readonly #flush: Flush;
  #used = 0;
  #flushed = 0;

  constructor(flush: Flush, size = bufferSize) {
    this.#buffer = Buffer.allocUnsafeSlow(size);
    this.#flush = flush;
  }

  /** Bytes so far. */
  get size(): number {
    return this.#flushed + this.#used;
  }

  add(item: DiffItem): void {
    this.#bytes(encodeEntry(item.entry));
    if (item.path === undefined) return;
    this.#content(item.path, item.entry.size);
    this.#bytes(tarPadding(item.entry.size));
  }

  end(): void {
    this.#bytes(endOfArchive());
    this.#empty();
  }

  #empty(): void {
    if (this.#used === 0) return;
    this.#flush(this.#buffer.subarray(0, this.#used));
    this.#flushed += this.#used;
    this.#used = 0;
  }

  #bytes(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      if (this.#used === this.#buffer.length) this.#empty();
      const part = bytes.subarray(done, done + this.#buffer.length - this.#used);
      this.#buffer.set(part, this.#used);
      this.#used += part.length;
      done += part.length;
    }
  }

  #content(path: ByteString, size: number): void {
    const file = openSync(fsPath(path), 'r');
    try {
      for (let left = size; left > 0; ) {
        if (this.#used === this.#buffer.length) this.#empty();
        const room = Math.min(left, this.#buffer.length - this.#used);
        const read = readSync(file, this.#buffer, this.#used, room, null);
        if (read === 0) {
          throw new HawserError(
            'LAYER_INVALID',
            `${JSON.stringify(textOf(path))} became shorter while it was read`,
          );
        }
        this.#used += read;
        left -= read;
      }
    } finally {
      closeSync(file);
    }
  }
}

const smallSize = 256 * 1024;
const smallEntries = 250;

/**
 * The layer in memory, where it is a small one: at most 256 KiB and 250 entries, as most steps leave. Undefined as soon
 * as it is not; looking costs a few milliseconds at most. The limit does not count what a copied tree has unchanged, so
 * copies are not for this.
 */
export function packSmallLayer(
  changes: SnapshotChanges,
  options: DiffOptions,
): (WrittenLayer & { readonly bytes: Uint8Array }) | undefined {
  let entries = 0;
  let total = 0;
  const items: DiffItem[] = [];
  for (const item of diffTree(changes, options)) {
    entries++;
    total += item.entry.size + 512;
    if (entries > smallEntries || total > smallSize) return undefined;
    items.push(item);
  }
  const parts: Buffer[] = [];
  const packer = new ArchivePacker(bytes => parts.push(Buffer.from(bytes)), 64 * 1024);
  for (const item of items) packer.add(item);
  packer.end();
  const bytes = Buffer.concat(parts);
  const digester = new Digester();
  digester.update(bytes);
  return { digest: digester.digest(), size: bytes.length, entries, bytes };
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
}

/**
 * Writes the layer to the new file `path` and flushes it; one pass reads, hashes and writes. Synchronous: for a worker
 * thread. On a failure the file is gone.
 *
 * @throws HawserError NO_SPACE, LAYER_INVALID
 */
export function writeLayer(changes: SnapshotChanges, path: string, options: DiffOptions): WrittenLayer {
  const digester = new Digester();
  const file = openSync(path, 'wx', 0o644);
  try {
    const packer = new ArchivePacker(bytes => {
      digester.update(bytes);
      writeAll(file, bytes);
    });
    let entries = 0;
    for (const item of diffTree(changes, options)) {
      packer.add(item);
      entries++;
    }
    packer.end();
    fsyncSync(file);
    return { digest: digester.digest(), size: packer.size, entries };
  } catch (error) {
    rmSync(path, { force: true });
    const code = systemErrorCode(error);
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
    throw new HawserError('NO_SPACE', 'write a layer: the disk is full', { cause: error });
  } finally {
    closeSync(file);
  }
}
