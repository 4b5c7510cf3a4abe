import { isHawserError } from '../../errors/hawser-error.ts';
import type { StorageDriver } from '../storage/driver.ts';
import { ballastPath } from '../storage/paths.ts';

/** Bytes; room for some hundred notes and folders. */
const SIZE = 1 << 20;

/*
 * A collector writes before it removes: notes, and folders for what it sets aside. On a full disk it could do neither, and
 * the space would never come back. So it keeps a file of some size, and throws it away then.
 */

/** Makes the ballast where it is missing, and there is room for it. */
export async function takeBallast(driver: StorageDriver): Promise<void> {
  if ((await driver.stat(ballastPath)) !== undefined) return;
  try {
    // Not zeros, which some file systems keep as a hole.
    await driver.write(ballastPath, Buffer.alloc(SIZE, 'ballast '), { durable: false });
  } catch (error) {
    if (!isHawserError(error, 'NO_SPACE')) throw error;
  }
}

/** Does `work`; once more without the ballast, where the disk is full. */
export async function withBallast<Result>(
  driver: StorageDriver,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!isHawserError(error, 'NO_SPACE') || (await driver.stat(ballastPath)) === undefined) throw error;
    await driver.remove(ballastPath, { durable: false });
    return await work();
  } finally {
    await takeBallast(driver);
  }
}
