import { HawserError, isHawserError } from '../../../errors/hawser-error.ts';
import { throwIfAborted } from '../../../util/abort.ts';
import type { ReadOptions } from '../driver.ts';
import type { S3Bucket, S3Content } from './s3-bucket.ts';
import { s3Error } from './s3-errors.ts';

/** How often a body that breaks off is asked for from there on. */
const ATTEMPTS = 4;

async function* chunksOf(
  bucket: S3Bucket,
  key: string,
  { first, options }: { readonly first: S3Content; readonly options: ReadOptions },
): AsyncGenerator<Uint8Array, void> {
  let position = options.start ?? 0;
  const end = position + first.size;
  let content: S3Content | undefined = first;
  for (let attempt = 1; ; attempt++) {
    try {
      for await (const chunk of content.body) {
        throwIfAborted(options.signal);
        yield chunk;
        position += chunk.length;
      }
      if (position >= end) return;
    } catch (error) {
      if (isHawserError(error) || options.signal?.aborted === true || attempt === ATTEMPTS)
        throw s3Error(error, `read ${key}`);
    }
    if (attempt === ATTEMPTS)
      throw new HawserError('UNAVAILABLE', `read ${key}: the bucket stops at byte ${position} of ${end}`);
    content = await bucket.get(key, { ...options, start: position, end });
    if (content === undefined) throw new HawserError('NOT_FOUND', `${key} is not in the volume any more`);
  }
}

/** The bytes of an object, asked for again where they break off; undefined where there is no such object. */
export async function readObject(
  bucket: S3Bucket,
  key: string,
  options: ReadOptions = {},
): Promise<AsyncGenerator<Uint8Array, void> | undefined> {
  const first = await bucket.get(key, options);
  if (first === undefined) return undefined;
  const chunks = chunksOf(bucket, key, { first, options });
  const end = chunks.return.bind(chunks);
  // A generator that was not begun ends without a word; its connection must end too.
  return Object.assign(chunks, {
    return: async (value?: void) => {
      first.body.destroy();
      return await end(value);
    },
  });
}

/** All of it; for what is small. */
export async function gather(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}
