import type { FileHandle } from 'node:fs/promises';
import { HawserError } from '../../errors/hawser-error.ts';
import { throwIfAborted } from '../../util/abort.ts';
import type { BufferPool } from './buffer-pool.ts';

export interface ReadChunksOptions {
  readonly start?: number | undefined;
  /** The end of the file where left out. */
  readonly end?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly pool: BufferPool;
}

/**
 * The bytes of a file from `start` to before `end`; closes the file. While there are few readers, two buffers take turns: one is read into
 * while the other is on its way. A chunk is valid until the next one is asked for.
 */
export async function* readChunks(
  handle: FileHandle,
  options: ReadChunksOptions,
): AsyncGenerator<Uint8Array, void> {
  const { pool } = options;
  let position = options.start ?? 0;
  let end = options.end ?? 0;
  let current = pool.take();
  let spare: Buffer | undefined;
  let reading: Promise<{ bytesRead: number }> | undefined;
  const readInto = (buffer: Buffer) =>
    handle.read(buffer, 0, Math.min(buffer.length, end - position), position);
  try {
    end = options.end ?? (await handle.stat()).size;
    while (position < end) {
      const { bytesRead } = await (reading ?? readInto(current));
      reading = undefined;
      throwIfAborted(options.signal);
      if (bytesRead === 0)
        throw new HawserError('STORE_CORRUPT', `a file ended at ${position}, before ${end}`);
      position += bytesRead;
      const chunk = current.subarray(0, bytesRead);
      if (position < end && spare === undefined) spare = pool.takeSpare();
      if (position < end && spare !== undefined) {
        [current, spare] = [spare, current];
        reading = readInto(current);
        reading.catch(() => undefined); // met by the `await` above, or of no interest when the reader leaves
      }
      yield chunk;
      if (spare !== undefined && pool.isCrowded) {
        pool.give(spare);
        spare = undefined;
      }
    }
  } finally {
    await reading?.catch(() => undefined); // the buffer is not free before the system is done with it
    pool.give(current);
    if (spare !== undefined) pool.give(spare);
    await handle.close();
  }
}
