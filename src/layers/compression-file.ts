import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import type { LayerCompression } from '../image/media-types.ts';
import { decompress } from './compression.ts';
import { type GrowingFile, readGrowing } from './growing-file.ts';

export interface LayerSource {
  /** A file on a local disk. */
  readonly path: string;
  readonly compression: LayerCompression;
  /** Instead of the file: what of it has arrived so far, and what is still to come. */
  readonly growing?: GrowingFile;
}

const chunkSize = 1024 * 1024;

function readChunks(path: string, use: (chunk: Buffer) => void): void {
  const buffer = Buffer.allocUnsafeSlow(chunkSize);
  const fd = openSync(path, 'r');
  try {
    for (;;) {
      const length = readSync(fd, buffer, 0, chunkSize, null);
      if (length === 0) return;
      use(length === chunkSize ? buffer : buffer.subarray(0, length));
    }
  } finally {
    closeSync(fd);
  }
}

/**
 * Calls `use` with the uncompressed content of a file, piece by piece; a piece is `use`'s only while it runs. While it
 * runs, the thread pool decompresses the next piece.
 */
export async function forEachPlainChunk(source: LayerSource, use: (chunk: Buffer) => void): Promise<void> {
  const { path, compression, growing } = source;
  if (growing === undefined && compression === 'uncompressed') return readChunks(path, use);
  const stream =
    growing === undefined ? createReadStream(path, { highWaterMark: chunkSize }) : readGrowing(growing);
  for await (const chunk of decompress(stream, compression)) {
    use(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
  }
}
