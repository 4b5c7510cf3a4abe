import { closeSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../image/digest.ts';
import { lastErrno, libcFunction, syscallError } from '../util/syscalls.ts';
import { chainIDOfFolder, folderNameOf, type SnapshotFolders } from './snapshot-folders.ts';

/*
 * A snapshot is made from blobs that are on the disk for sure, so a power cut may take it, but must not leave half of it
 * under its name. Flushing each one would cost a build more than its steps. Instead a mark `unsynced/<boot>~<snapshot>`
 * is made before the snapshot gets its name, and goes after a later syncfs(2), when the kernel has written most of it
 * anyway. Marks of an earlier boot name snapshots that nobody can vouch for: they are removed, and unpacked again from
 * their blobs when they are wanted. A journal keeps the mark before the name; a killed process loses nothing.
 */

/** Milliseconds after which a syncfs is cheap: beyond the kernel's own writeback (dirty_expire_centisecs, 30 s). */
const SETTLED = 60_000;

let boot: string | undefined;

function bootID(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  return boot;
}

export function markUnsynced(folders: SnapshotFolders, chainID: Digest): void {
  writeFileSync(join(folders.root, 'unsynced', `${bootID()}~${folderNameOf(chainID)}`), '');
}

function syncFileSystem(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    if (libcFunction('int syncfs(int fd)')(descriptor) !== 0) {
      throw syscallError(`flush the file system of ${folder}`, lastErrno());
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Settles the marks: one readdir where there is none. */
export async function settleUnsynced(folders: SnapshotFolders): Promise<void> {
  const folder = join(folders.root, 'unsynced');
  const names = readdirSync(folder);
  const own = names.filter(name => name.startsWith(`${bootID()}~`));
  const older = names.filter(name => !name.startsWith(`${bootID()}~`));
  if (older.length > 0) {
    const lock = await folders.lock({ shared: false });
    try {
      for (const name of older) {
        const chainID = chainIDOfFolder(name.slice(name.indexOf('~') + 1));
        if (chainID !== undefined) await folders.discardCommitted(chainID);
        await rm(join(folder, name), { force: true });
      }
    } finally {
      await lock.release();
    }
  }
  const oldest = Math.min(
    ...own.map(
      name => statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY,
    ),
  );
  if (Date.now() - oldest < SETTLED) return;
  syncFileSystem(folder);
  for (const name of own) await rm(join(folder, name), { force: true });
}
