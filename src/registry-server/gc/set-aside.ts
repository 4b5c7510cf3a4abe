import { isHawserError } from '../../errors/hawser-error.ts';
import type { StorageDriver } from '../storage/driver.ts';
import { asidePath, collectingPath, pathOfAside } from '../storage/paths.ts';

/*
 * A collector never removes a file at once: it takes it away, looks once more whether somebody began to use it meanwhile,
 * and puts it back then. Who uses content writes what uses it first and looks for the content afterwards, so that one of
 * the two always sees the other. A crash in between leaves the file aside, from where the next collector puts it back.
 */

/** @returns whether there was such a file */
export async function setAside(driver: StorageDriver, path: string): Promise<boolean> {
  try {
    await driver.move(path, asidePath(path), { durable: false });
    return true;
  } catch (error) {
    if (isHawserError(error, 'NOT_FOUND')) return false;
    throw error;
  }
}

/** What was written to `path` meanwhile stays; what a client deleted meanwhile is deleted. */
export async function putBack(driver: StorageDriver, path: string): Promise<void> {
  const aside = asidePath(path);
  try {
    if ((await driver.stat(path)) === undefined) await driver.move(aside, path, { durable: false });
    else await driver.remove(aside, { durable: false });
  } catch (error) {
    if (!isHawserError(error, 'NOT_FOUND')) throw error;
  }
  await pruneAside(driver, aside);
}

export async function removeAside(driver: StorageDriver, path: string): Promise<void> {
  const aside = asidePath(path);
  await driver.remove(aside, { durable: false });
  await pruneAside(driver, aside);
}

async function pruneAside(driver: StorageDriver, aside: string): Promise<void> {
  await driver.prune(aside.slice(0, aside.lastIndexOf('/')), collectingPath);
}

/** Puts back what a collector that died had set aside. Only under the collectors' lock. */
export async function putAllBack(driver: StorageDriver, folder: string = collectingPath): Promise<void> {
  for (const name of await driver.list(folder)) {
    const path = `${folder}/${name}`;
    const info = await driver.stat(path);
    if (info?.kind === 'folder') await putAllBack(driver, path);
    else if (info !== undefined) await putBack(driver, pathOfAside(path));
  }
  await driver.prune(folder, collectingPath);
}
