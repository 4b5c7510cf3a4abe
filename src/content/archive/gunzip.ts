import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { HawserError, systemErrorCode } from '../../errors/hawser-error.ts';

/** The stream itself, or what it holds when it is compressed with gzip. @throws HawserError COMPRESSION_INVALID */
export async function* gunzipIfNeeded(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const iterator = source[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let length = 0;
  while (length < 2) {
    const next = await iterator.next();
    if (next.done === true) break;
    head.push(next.value);
    length += next.value.length;
  }
  const begin = Buffer.concat(head);
  const whole = resume(begin, iterator);
  if (begin[0] !== 0x1f || begin[1] !== 0x8b) {
    yield* whole;
    return;
  }
  const gunzip = createGunzip({ chunkSize: 1024 * 1024 });
  const input = Readable.from(whole, { objectMode: false });
  input.on('error', error => gunzip.destroy(error));
  try {
    for await (const chunk of input.pipe(gunzip)) yield chunk as Uint8Array;
  } catch (error) {
    if (!systemErrorCode(error)?.startsWith('Z_')) throw error;
    throw new HawserError('COMPRESSION_INVALID', 'the archive is broken: its gzip stream cannot be read', {
      cause: error,
    });
  } finally {
    input.destroy();
    gunzip.destroy();
  }
}

async function* resume(
  begin: Uint8Array,
  iterator: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  try {
    if (begin.length > 0) yield begin;
    for (;;) {
      const next = await iterator.next();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}
