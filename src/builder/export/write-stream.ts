import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { HawserError, systemErrorCode } from '../../errors/hawser-error.ts';
import { temporaryPathFor } from '../../util/atomic-file.ts';

/**
 * Writes to a file, beside it first, so that a failure leaves nothing half-made; or to stdout.
 *
 * @param dest `-` for stdout
 * @throws HawserError NO_SPACE
 */
export async function writeStream(
  bytes: AsyncIterable<Uint8Array>,
  dest: string,
  signal: AbortSignal,
): Promise<void> {
  const source = Readable.from(bytes, { objectMode: false });
  if (dest === '-') {
    await pipeline(source, process.stdout, { signal, end: false });
    return;
  }
  const path = resolve(dest);
  await mkdir(dirname(path), { recursive: true });
  const temporary = temporaryPathFor(path);
  try {
    await pipeline(source, createWriteStream(temporary, { highWaterMark: 1024 * 1024 }), { signal });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    const code = systemErrorCode(error);
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
    throw new HawserError('NO_SPACE', `write ${dest}: no space left on the disk`, { cause: error });
  }
}
