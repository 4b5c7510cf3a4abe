import { setTimeout as delay } from 'node:timers/promises';
import type { StorageReader, StoredInfo } from './driver.ts';
import { asidePath } from './paths.ts';

const PAUSE = 2;
/** Milliseconds; a collector looks once more in far less, unless it died. */
const PATIENCE = 2000;

/**
 * What is at a path, where a collector may have taken it away for the moment of its second look: then its decision is
 * waited for. Undefined where there is nothing.
 */
export async function settledStat(reader: StorageReader, path: string): Promise<StoredInfo | undefined> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const info = await reader.stat(path);
    if (info !== undefined || Date.now() > deadline) return info;
    if ((await reader.stat(asidePath(path))) === undefined) return await reader.stat(path);
    await delay(PAUSE);
  }
}
