import type { StorageDriver } from '../storage/driver.ts';

export interface RemainsOptions {
  /** Files that were written later stay; milliseconds since 1970. */
  readonly before: number;
  /** Folders above it are not looked at. */
  readonly top: string;
}

/**
 * Removes what crashes left in a folder that lacks what it is there for: old temporary files, and folders that are empty
 * then. Somebody may be writing there at this moment.
 */
export async function removeRemains(
  driver: StorageDriver,
  folder: string,
  options: RemainsOptions,
): Promise<void> {
  for (const name of await driver.list(folder)) {
    const path = `${folder}/${name}`;
    const info = await driver.stat(path);
    if (info?.kind === 'folder') await removeRemains(driver, path, options);
    else if (info !== undefined && name.endsWith('.tmp') && info.modified < options.before) {
      await driver.remove(path, { durable: false });
    }
  }
  await driver.prune(folder, options.top);
}
