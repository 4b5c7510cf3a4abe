import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';

/**
 * The bytes of an archive that a user names; stdin for `-`. Opened before anything waits, so that a missing file is an
 * error of this call and not of a stream that nobody reads yet.
 *
 * @throws HawserError NOT_FOUND, INVALID_ARGUMENT
 */
export async function openArchive(path: string): Promise<Readable> {
  if (path === '-') return process.stdin;
  try {
    const file = await open(path);
    if ((await file.stat()).isDirectory()) {
      await file.close();
      throw new HawserError('INVALID_ARGUMENT', `${JSON.stringify(path)} is a folder, not an archive`);
    }
    return file.createReadStream({ highWaterMark: 1 << 20 });
  } catch (cause) {
    if (systemErrorCode(cause) !== 'ENOENT') throw cause;
    throw new HawserError('NOT_FOUND', `there is no archive ${JSON.stringify(path)}`, {
      remedy: 'Check the path.',
    });
  }
}
