import { Readable } from 'node:stream';
import { createGunzip, type Gunzip } from 'node:zlib';
import { HawserError, messageOf, systemErrorCode } from '../errors/hawser-error.ts';
import type { LayerCompression } from '../image/media-types.ts';
import { runFilter } from './compression-external.ts';
import { gzip } from './compression-gzip.ts';
import { unzstd, zstd } from './compression-zstd.ts';

/** What a layer, or an archive that ADD unpacks, may be compressed with. */
export type Compression = LayerCompression | 'bzip2' | 'xz';

type ByteSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

const magics: readonly (readonly [compression: Compression, magic: readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b, 0x08]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
];

function isSkippableZstd(bytes: Uint8Array): boolean {
  const [first = 0, ...rest] = bytes.subarray(0, 4);
  return (first & 0xf0) === 0x50 && rest.join() === '42,77,24';
}

/** By the first 6 bytes of a file; `uncompressed` for anything without a known beginning. */
export function detectCompression(bytes: Uint8Array): Compression {
  for (const [compression, magic] of magics) {
    if (magic.every((byte, index) => bytes[index] === byte)) return compression;
  }
  return isSkippableZstd(bytes) ? 'zstd' : 'uncompressed';
}

const chunkSize = 1024 * 1024;

/** RFC 1952; several members one after the other are one content. */
async function* gunzip(source: ByteSource): AsyncGenerator<Uint8Array> {
  const stream: Gunzip = createGunzip({ chunkSize });
  const input = Readable.from(source, { objectMode: true, highWaterMark: 1 });
  input.once('error', error => stream.destroy(error));
  input.pipe(stream);
  try {
    yield* stream as AsyncIterable<Buffer>;
  } catch (error) {
    if (!systemErrorCode(error)?.startsWith('Z_')) throw error;
    throw new HawserError('COMPRESSION_INVALID', `the gzip data is broken: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    input.destroy();
    stream.destroy();
  }
}

/**
 * The content of compressed bytes. The next piece is made, by the thread pool, while one is used.
 *
 * @throws HawserError COMPRESSION_INVALID; REQUIREMENT_MISSING where bzip2, xz or libzstd is not installed
 */
export function decompress(source: ByteSource, compression: Compression): AsyncIterable<Uint8Array> {
  switch (compression) {
    case 'gzip':
      return gunzip(source);
    case 'zstd':
      return unzstd(source);
    case 'bzip2':
    case 'xz':
      return runFilter(source, compression);
    case 'uncompressed':
      return Readable.from(source);
    default:
      return compression satisfies never;
  }
}

export interface CompressOptions {
  readonly compression: LayerCompression;
  /** gzip 1 … 9, default 5; zstd 1 … 19, default 3. */
  readonly level?: number | undefined;
  /** How many blocks are compressed at once; does not change the result. Default: as many as there are processors. */
  readonly threads?: number | undefined;
}

/** Compressed bytes: the same for the same content, level and library, with any number of threads. */
export function compress(source: ByteSource, options: CompressOptions): AsyncIterable<Uint8Array> {
  switch (options.compression) {
    case 'gzip':
      return gzip(source, options);
    case 'zstd':
      return zstd(source, options);
    case 'uncompressed':
      return Readable.from(source);
    default:
      return options.compression satisfies never;
  }
}
