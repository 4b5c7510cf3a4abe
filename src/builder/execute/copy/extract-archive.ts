import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { posix } from 'node:path';
import { isHawserError } from '../../../errors/hawser-error.ts';
import { LayerApplier } from '../../../layers/apply-tree.ts';
import { decompress, detectCompression } from '../../../layers/compression.ts';
import type { TarEntry } from '../../../tar/entry.ts';
import { blockSize, decodeHeaderBlock, isZeroBlock } from '../../../tar/header-block.ts';
import { TarParser } from '../../../tar/parser.ts';
import { throwIfAborted } from '../../../util/abort.ts';
import { type ByteString, byteString } from '../../../util/byte-string.ts';
import type { CopyTarget } from './copy-entries.ts';
import { makeFolders } from './make-folders.ts';

const CHUNK_SIZE = 1024 * 1024;

/** The file's bytes, plain. */
function contentOf(path: string): AsyncIterable<Uint8Array> {
  const compression = detectCompression(headOf(path));
  const stream = createReadStream(path, { highWaterMark: CHUNK_SIZE });
  return compression === 'uncompressed' ? stream : decompress(stream, compression);
}

function headOf(path: string): Uint8Array {
  const descriptor = openSync(path, 'r');
  try {
    const head = Buffer.alloc(blockSize);
    return head.subarray(0, readSync(descriptor, head, 0, head.length, 0));
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Whether ADD extracts the file: by content, never by name, a tar archive that may be compressed with gzip, bzip2, xz or
 * zstd.
 */
export async function isArchive(path: string): Promise<boolean> {
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
  return head.length >= blockSize && isHeader(head.subarray(0, blockSize));
}

function isHeader(block: Buffer): boolean {
  if (isZeroBlock(block)) return false;
  try {
    decodeHeaderBlock(block);
    return true;
  } catch (error) {
    if (isHawserError(error, 'TAR_INVALID')) return false;
    throw error;
  }
}

/**
 * Extracts an archive into the folder that `target` names, which is made where it is missing. Links in paths are followed
 * inside the image's root; the archive's own entry for `./` does not change the folder.
 *
 * @throws HawserError TAR_INVALID, COMPRESSION_INVALID, LAYER_ENTRY_INVALID, NO_SPACE
 */
export async function extractArchive(
  path: string,
  target: CopyTarget,
  options: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  const folder = makeFolders(target.root, posix.normalize(target.path), {
    owner: target.owner ?? { uid: 0, gid: 0 },
    mode: 0o755,
    mtime: target.time,
  });
  const applier = new LayerApplier(target.root, {
    whiteouts: 'remove',
    isPrivileged: process.getuid?.() === 0,
  });
  const place = (name: ByteString) =>
    (folder === '/' ? name : `${byteString(folder.slice(1))}/${name}`) as ByteString;
  const parser = new TarParser({
    entry(entry) {
      if (!isTop(entry)) applier.entry(placed(entry, place, target));
    },
    data: bytes => applier.data(bytes),
    hole: length => applier.hole(length),
    entryEnd: () => applier.entryEnd(),
  });
  try {
    for await (const chunk of contentOf(path)) {
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
