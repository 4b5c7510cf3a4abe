import type { RepositoryName } from '../../distribution/names.ts';
import { isHawserError } from '../../errors/hawser-error.ts';
import { throwIfAborted } from '../../util/abort.ts';
import { walkRepositories } from '../storage/catalog.ts';
import type { StorageDriver, StorageLock } from '../storage/driver.ts';
import { uploadDataPath, uploadPath, uploadStartedPath, uploadsPath } from '../storage/paths.ts';
import { isUploadID, type UploadID } from '../storage/upload-id.ts';

export interface PurgeOptions {
  /** Uploads that began before are removed, unless something came in since; milliseconds since 1970. */
  readonly before: number;
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

export interface PurgedUpload {
  readonly name: RepositoryName;
  readonly id: UploadID;
}

/** When an upload last changed; registry:2 goes by `startedat` alone, which ends uploads that are still running. */
async function lastChange(driver: StorageDriver, name: RepositoryName, id: UploadID): Promise<number> {
  const files = [uploadStartedPath(name, id), uploadDataPath(name, id), uploadPath(name, id)];
  const found = await Promise.all(files.map(path => driver.stat(path)));
  return Math.max(...found.map(info => info?.modified ?? 0));
}

/**
 * Removes an upload, unless somebody goes on with it at this moment: who comes a moment later finds none, and not one that
 * goes away below the request.
 */
async function purge(driver: StorageDriver, upload: PurgedUpload, before: number): Promise<boolean> {
  const { name, id } = upload;
  const path = uploadStartedPath(name, id);
  // Without the file it is no upload for anybody, but its folder is there.
  const isUpload = (await driver.stat(path)) !== undefined;
  let lock: StorageLock | undefined;
  try {
    lock = isUpload ? await driver.tryLock(path) : undefined;
    if (isUpload && (lock === undefined || (await lastChange(driver, name, id)) >= before)) return false;
    await driver.remove(uploadPath(name, id), { durable: false });
    return true;
  } catch (error) {
    if (isHawserError(error, 'NOT_FOUND')) return false; // it ended just now
    throw error;
  } finally {
    await lock?.release();
  }
}

/** Removes uploads that nobody goes on with: `storage.maintenance.uploadpurging`. */
export async function* purgeUploads(
  driver: StorageDriver,
  options: PurgeOptions,
): AsyncGenerator<PurgedUpload> {
  for await (const { name, children } of walkRepositories(driver)) {
    if (!children.includes('_uploads')) continue;
    for (const id of await driver.list(uploadsPath(name))) {
      throwIfAborted(options.signal);
      if (!isUploadID(id) || (await lastChange(driver, name, id)) >= options.before) continue;
      if (options.dryRun === true || (await purge(driver, { name, id }, options.before))) yield { name, id };
    }
  }
}
