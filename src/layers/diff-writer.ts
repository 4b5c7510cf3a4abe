import { closeSync, fsyncSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { type Digest, Digester } from '../image/digest.ts';
import type { TarEntry } from '../tar/entry.ts';
import { encodeEntry, endOfArchive, tarPadding } from '../tar/writer.ts';
import { fsPath, textOf } from '../util/byte-string.ts';
import { Writeback } from '../util/writeback.ts';
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

  add({ entry, path, open }: DiffItem): void {
    this.#bytes(encodeEntry(entry));
    const file = open === undefined ? (path === undefined ? undefined : openSync(fsPath(path), 'r')) : open();
    if (file === undefined) return;
    this.#content(file, entry);
    this.#bytes(tarPadding(entry.size));
  }

  addContent(entry: TarEntry, content: Uint8Array): void {
    this.#bytes(encodeEntry(entry));
    this.#bytes(content);
    this.#bytes(tarPadding(entry.size));
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

  #content(file: number, { name, size }: TarEntry): void {
    try {
      for (let left = size; left > 0; ) {
        if (this.#used === this.#buffer.length) this.#empty();
        const room = Math.min(left, this.#buffer.length - this.#used);
        const read = readSync(file, this.#buffer, this.#used, room, null);
        if (read === 0) {
          throw new HawserError(
            'LAYER_INVALID',
            `${JSON.stringify(`/${textOf(name)}`)} became shorter while it was read`,
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
 * Writes a layer to the new file `path`, entry by entry; one pass reads, hashes and writes. Synchronous: for a worker thread.
 * Its methods throw HawserError NO_SPACE and LAYER_INVALID; after that it is to be abandoned.
 */
export class LayerWriter {
  readonly #path: string;
  readonly #digester = new Digester();
  readonly #file: number;
  readonly #packer: ArchivePacker;
  #entries = 0;

  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, 'wx', 0o644);
    const writeback = new Writeback(this.#file);
    this.#packer = new ArchivePacker(bytes => {
      this.#digester.update(bytes);
      try {
        writeAll(this.#file, bytes);
      } catch (error) {
        throw writeError(error);
      }
      writeback.advance(this.#packer.size);
    });
  }

  add(item: DiffItem): void {
    this.#packer.add(item);
    this.#entries++;
  }

  /** An entry whose content is at hand. */
  addContent(entry: TarEntry, content: Uint8Array): void {
    this.#packer.addContent(entry, content);
    this.#entries++;
  }

  /** Flushes it. */
  end(): WrittenLayer {
    this.#packer.end();
    fsyncSync(this.#file);
    closeSync(this.#file);
    return { digest: this.#digester.digest(), size: this.#packer.size, entries: this.#entries };
  }

  /** Removes the file; not after `end`. */
  abandon(): void {
    closeSync(this.#file);
    rmSync(this.#path, { force: true });
  }
}

function writeError(error: unknown): unknown {
  const code = systemErrorCode(error);
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new HawserError('NO_SPACE', 'write a layer: the disk is full', { cause: error });
}

/**
 * Writes the layer to the new file `path` and flushes it. On a failure the file is gone.
 *
 * @throws HawserError NO_SPACE, LAYER_INVALID
 */
export function writeLayer(changes: SnapshotChanges, path: string, options: DiffOptions): WrittenLayer {
  const writer = new LayerWriter(path);
  try {
    for (const item of diffTree(changes, options)) writer.add(item);
    return writer.end();
  } catch (error) {
    writer.abandon();
    throw writeError(error);
  }
}
