import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemErrorCode } from '../errors/hawser-error.ts';

/** Flushes a folder, so that a rename inside it survives a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A name beside `path` that no other process uses; what a crash leaves under it is garbage (`*.tmp`). */
export function temporaryPathFor(path: string): string {
  return `${path}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`;
}

/** Up to here a write is shorter than the way to another thread and back. */
const SMALL = 64 * 1024;

/** As `writeFileAtomic`, not flushed. */
function replaceAtOnce(path: string, content: Uint8Array | string, mode: number): void {
  const temporary = temporaryPathFor(path);
  try {
    try {
      writeFileSync(temporary, content, { flag: 'wx', mode });
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(temporary, content, { flag: 'wx', mode });
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/**
 * Replaces the file at `path` as a whole: temp → fsync → rename → fsync folder. A crash leaves the old content or the
 * new one, and at most a `*.tmp` file.
 */
export async function writeFileAtomic(
  path: string,
  content: Uint8Array | string,
  options: { readonly mode?: number; readonly durable?: boolean } = {},
): Promise<void> {
  if (options.durable === false && content.length <= SMALL) {
    replaceAtOnce(path, content, options.mode ?? 0o644);
    return;
  }
  await mkdir(dirname(path), { recursive: true });
  const temporary = temporaryPathFor(path);
  try {
    const handle = await open(temporary, 'wx', options.mode ?? 0o644);
    try {
      await handle.writeFile(content);
      if (options.durable !== false) await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  if (options.durable !== false) await syncFolder(dirname(path));
}
