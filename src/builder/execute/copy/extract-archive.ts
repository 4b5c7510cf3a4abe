import { createReadStream, readSync } from 'node:fs';
import { posix } from 'node:path';
import { HawserError, isHawserError } from '../../../errors/hawser-error.ts';
import { LayerApplier } from '../../../layers/apply-tree.ts';
import { decompress, detectCompression } from '../../../layers/compression.ts';
import type { TarEntry } from '../../../tar/entry.ts';
import { blockSize, decodeHeaderBlock, isZeroBlock } from '../../../tar/header-block.ts';
import { TarParser } from '../../../tar/parser.ts';
import { throwIfAborted } from '../../../util/abort.ts';
import { type ByteString, byteString, textOf } from '../../../util/byte-string.ts';
import { ownIdMap } from '../../../util/user-namespace.ts';
import { type CopyTarget, newFolderOf } from './copy-entries.ts';
import { makeFolders } from './make-folders.ts';
import { openSource } from './open-source.ts';

const CHUNK_SIZE = 1024 * 1024;

/** The file's bytes, plain. */
async function* contentOf(path: ByteString): AsyncGenerator<Uint8Array> {
  const file = openSource(path);
  if (file === undefined) {
    throw new HawserError('CONTEXT_INVALID', `${textOf(path)} went away while the context was read`, {
      remedy: 'Build again once nothing changes the context.',
    });
  }
  const compression = detectCompression(headOf(file));
  // The stream closes the file, after the last read of it.
  const stream = createReadStream('', { fd: file, start: 0, highWaterMark: CHUNK_SIZE });
  try {
    yield* compression === 'uncompressed'
      ? (stream as AsyncIterable<Buffer>)
      : decompress(stream, compression);
  } finally {
    stream.destroy();
  }
}

function headOf(file: number): Uint8Array {
  const head = Buffer.alloc(blockSize);
  return head.subarray(0, readSync(file, head, 0, head.length, 0));
}

/**
 * Whether ADD extracts the file: by content, never by name, a tar archive that may be compressed with gzip, bzip2, xz or
 * zstd.
 */
export async function isArchive(path: ByteString): Promise<boolean> {
  let head = Buffer.alloc(0);
  try {
    for await (const chunk of contentOf(path)) {
      head = Buffer.concat([head, chunk]);
      if (head.length >= blockSize) break;
    }
  } catch (error) {
    if (isHawserError(error, 'COMPRESSION_INVALID')) return false;
    throw error;
  }
  return head.length >= blockSize && isTarHeader(head.subarray(0, blockSize));
}

/** Whether an archive can begin with these 512 bytes. */
export function isTarHeader(block: Buffer): boolean {
  if (isZeroBlock(block)) return false;
  try {
    decodeHeaderBlock(block);
    return true;
  } catch (error) {
    if (isHawserError(error, 'TAR_INVALID')) return false;
    throw error;
  }
}

export interface ExtractOptions {
  readonly signal?: AbortSignal | undefined;
  /** Of each entry, as the archive has it. */
  readonly onEntry?: (entry: TarEntry) => void;
}

/**
 * Extracts an archive into the folder that `target` names, which is made where it is missing. Links in paths are followed
 * inside the image's root; the archive's own entry for `./` does not change the folder.
 *
 * @throws HawserError TAR_INVALID, COMPRESSION_INVALID, LAYER_ENTRY_INVALID, NO_SPACE
 */
export function extractArchive(path: ByteString, target: CopyTarget, options: ExtractOptions): Promise<void> {
  return extractEntries(contentOf(path), target, options);
}

/** The same, of the bytes of a plain archive. */
export async function extractEntries(
  content: AsyncIterable<Uint8Array>,
  target: CopyTarget,
  options: ExtractOptions,
): Promise<void> {
  const wanted = posix.normalize(byteString(target.path)) as ByteString;
  const folder = makeFolders(byteString(target.root), wanted, { ...newFolderOf(target), mode: 0o755 });
  const applier = new LayerApplier(target.root, {
    whiteouts: 'remove',
    isPrivileged: process.getuid?.() === 0 && ownIdMap() !== 'one',
  });
  const place = (name: ByteString) => (folder === '/' ? name : `${folder.slice(1)}/${name}`) as ByteString;
  const parser = new TarParser({
    entry(entry) {
      options.onEntry?.(entry);
      if (!isTop(entry)) applier.entry(placed(entry, place, target));
    },
    data: bytes => applier.data(bytes),
    hole: length => applier.hole(length),
    entryEnd: () => applier.entryEnd(),
  });
  try {
    for await (const chunk of content) {
      throwIfAborted(options.signal);
      parser.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
    }
    parser.finish();
    applier.finish();
  } finally {
    applier.abandon();
  }
}

function isTop(entry: TarEntry): boolean {
  return entry.type === 'directory' && /^[./]*$/.test(entry.name) && !entry.name.includes('..');
}

function placed(entry: TarEntry, place: (name: ByteString) => ByteString, target: CopyTarget): TarEntry {
  const latest = target.time === undefined ? undefined : Math.floor(target.time / 1000);
  const isLate = latest !== undefined && entry.mtime.seconds >= latest;
  return {
    ...entry,
    ...target.owner,
    name: place(entry.name),
    linkname: entry.type === 'link' ? place(entry.linkname) : entry.linkname,
    mtime: isLate ? { seconds: latest, nanoseconds: 0 } : entry.mtime,
  };
}
