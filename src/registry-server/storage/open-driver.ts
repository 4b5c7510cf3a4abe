import { mkdir } from 'node:fs/promises';
import { HawserError, messageOf, systemErrorCode } from '../../errors/hawser-error.ts';
import type { StorageSettings } from '../config/storage-schema.ts';
import type { StorageDriver } from './driver.ts';
import { FilesystemDriver } from './filesystem-driver.ts';
import { MemoryDriver } from './memory-driver.ts';

async function makeRoot(root: string): Promise<void> {
  try {
    await mkdir(root, { recursive: true });
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
      throw new HawserError('PERMISSION_DENIED', `make the registry's volume ${root}: ${code}`, {
        cause: error,
        remedy: 'Name a folder that you may write to with --root.',
      });
    }
    throw new HawserError('INVALID_ARGUMENT', `make the registry's volume ${root}: ${messageOf(error)}`, {
      cause: error,
      remedy: 'Name a folder with --root.',
    });
  }
}

/** @throws HawserError PERMISSION_DENIED, INVALID_ARGUMENT, UNAVAILABLE */
export async function openDriver(storage: StorageSettings): Promise<StorageDriver> {
  if (storage.kind === 'inmemory') return new MemoryDriver();
  if (storage.kind === 's3') {
    const { S3Bucket } = await import('./s3/s3-bucket.ts');
    const { S3Driver } = await import('./s3/s3-driver.ts');
    return new S3Driver(await S3Bucket.open(storage), storage);
  }
  await makeRoot(storage.root);
  return new FilesystemDriver(storage.root);
}
