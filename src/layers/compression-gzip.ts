import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';
import { HawserError } from '../errors/hawser-error.ts';
import { defaultLevels } from './compression-levels.ts';

const deflateBlock = promisify<Buffer, object, Buffer>(deflateRaw);

/** Fixed, so that the bytes do not depend on how the content arrives or how many threads there are. */
const blockSize = 1024 * 1024;
/** Of what comes out: each piece is a way to the thread pool and back. */
const chunkSize = 256 * 1024;
/** RFC 1952: deflate, no name, no time, no flags, unknown system. */
const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
/** An empty last block of deflate: RFC 1951, fixed Huffman codes. */
const lastBlock = Buffer.from([3, 0]);

/** The content in blocks of exactly `blockSize` but for the last, each in a buffer of its own. */
async function* blocksOf(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Buffer> {
  let block = Buffer.allocUnsafeSlow(blockSize);
  let filled = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      const length = Math.min(blockSize - filled, chunk.length - at);
      block.set(chunk.subarray(at, at + length), filled);
      filled += length;
      at += length;
      if (filled === blockSize) {
        yield block;
        block = Buffer.allocUnsafeSlow(blockSize);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}

function trailer(crc: number, size: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(crc, 0);
  bytes.writeUInt32LE(size % 2 ** 32, 4);
  return bytes;
}

/**
 * One gzip member. Blocks of 1 MiB are deflated on their own, ended by an empty stored block (Z_SYNC_FLUSH) and joined,
 * as `pigz --independent` does; libuv's thread pool deflates several at once.
 */
export async function* gzip(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: { readonly level?: number | undefined; readonly threads?: number | undefined },
): AsyncGenerator<Uint8Array> {
  const { level = defaultLevels.gzip, threads = availableParallelism() } = options;
  if (!Number.isInteger(level) || level < 1 || level > 9) {
    throw new HawserError('INVALID_ARGUMENT', `gzip has no level ${level}`, { remedy: 'Use 1 to 9.' });
  }
  const running: Promise<Buffer>[] = [];
  let crc = 0;
  let size = 0;
  yield header;
  for await (const block of blocksOf(source)) {
    const job = deflateBlock(block, { level, memLevel: 9, chunkSize, finishFlush: constants.Z_SYNC_FLUSH });
    // It is awaited later; a failure meanwhile is not unhandled.
    job.catch(() => undefined);
    running.push(job);
    crc = crc32(block, crc);
    size += block.length;
    if (running.length > threads) yield (await running.shift()) as Buffer;
  }
  for (const job of running) yield await job;
  yield lastBlock;
  yield trailer(crc, size);
}
