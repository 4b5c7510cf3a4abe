import { createHash, hash } from 'node:crypto';
import { closeSync, fstatSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { ByteString } from '../../util/byte-string.ts';
import { openSource } from '../execute/copy/open-source.ts';
import { unreadable } from '../execute/copy/walk-folder.ts';

const bufferSize = 1024 * 1024;
/** Larger files are read piece by piece, so that the progress and the other steps go on. */
const largeSize = 8 * bufferSize;

let shared: Buffer | undefined;

/**
 * SHA-256 in hex of a file's content; of nothing where it is gone. At once for all but large files.
 *
 * @throws HawserError CONTEXT_INVALID where it cannot be read
 */
export function hashFile(location: ByteString): string | Promise<string> {
  const file = openSource(location);
  if (file === undefined) return createHash('sha256').digest('hex');
  const stats = fstatSync(file);
  if (stats.size > largeSize) return hashLarge(file, location);
  try {
    shared ??= Buffer.allocUnsafeSlow(bufferSize);
    const start = readSync(file, shared, 0, bufferSize, null);
    if (start < bufferSize && start >= stats.size) return hash('sha256', shared.subarray(0, start));
    const digester = createHash('sha256').update(shared.subarray(0, start));
    for (;;) {
      const length = readSync(file, shared, 0, bufferSize, null);
      if (length === 0) return digester.digest('hex');
      digester.update(shared.subarray(0, length));
    }
  } catch (error) {
    throw unreadable(location, error);
  } finally {
    closeSync(file);
  }
}

async function hashLarge(file: number, location: ByteString): Promise<string> {
  const buffer = Buffer.allocUnsafeSlow(bufferSize);
  const hash = createHash('sha256');
  try {
    for (let pieces = 1; ; pieces++) {
      const length = readSync(file, buffer, 0, bufferSize, null);
      if (length === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, length));
      if (pieces % 16 === 0) await setImmediate();
    }
  } catch (error) {
    throw unreadable(location, error);
  } finally {
    closeSync(file);
  }
}
