import type { StorageDriver } from './driver.ts';

/** Removes the files below a folder that were written before a time, and the folders that are empty then. */
export async function removeOlder(driver: StorageDriver, folder: string, before: number): Promise<void> {
  for (const name of await driver.list(folder)) {
    const path = `${folder}/${name}`;
    const info = await driver.stat(path);
    if (info?.kind === 'folder') {
      await removeOlder(driver, path, before);
      await driver.prune(path, folder);
    } else if (info !== undefined && info.modified < before) await driver.remove(path, { durable: false });
  }
}
