import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { systemErrorCode } from '../../errors/hawser-error.ts';

/** A change of a volume on a disk; paths are those of the system. */
export type VolumeChange =
  /** Writes a file that nobody knows of yet. */
  | {
      readonly kind: 'write';
      readonly path: string;
      readonly content: Uint8Array | string;
      readonly durable: boolean;
    }
  /** Makes a folder and its parents. */
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'flush'; readonly path: string }
  /** Gives a file its name, whatever has it now, in a folder that is made where it is missing. */
  | { readonly kind: 'place'; readonly from: string; readonly to: string; readonly durable: boolean }
  /** Takes a folder away that has one file and nothing else, for a later `revive`; fails with ENOTEMPTY where it has more. */
  | { readonly kind: 'retire'; readonly folder: string; readonly file: string; readonly to: string }
  /** Gives a retired folder its next name, its file with other content. */
  | {
      readonly kind: 'revive';
      readonly from: string;
      readonly folder: string;
      readonly file: string;
      readonly content: string;
    }
  /** Removes a file, or a folder with all in it, which gets the name `trash` first. */
  | { readonly kind: 'remove'; readonly path: string; readonly trash: string; readonly durable: boolean };

const FOLDER_ATTEMPTS = 20;

const isMissing = (error: unknown): boolean => {
  const code = systemErrorCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
};

/**
 * Makes changes one after the other, each call waiting for the disk: to be run by a thread that has nothing else to do,
 * since a change is a dozen calls, and each way to another thread and back costs more than most of them.
 *
 * @throws the system's errors
 */
export function changeVolume(changes: readonly VolumeChange[]): void {
  for (const change of changes) changeOne(change);
}

function changeOne(change: VolumeChange): void {
  switch (change.kind) {
    case 'write':
      writeNew(change.path, change.content, change.durable);
      return;
    case 'folder':
      makeFolders(change.path);
      return;
    case 'flush':
      flush(change.path);
      return;
    case 'place':
      place(change.from, change.to, change.durable);
      return;
    case 'retire':
      retire(change.folder, change.file, change.to);
      return;
    case 'revive':
      revive(change);
      return;
    case 'remove':
      remove(change.path, change.trash, change.durable);
  }
}

function flush(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Flushes a folder; where it is gone, somebody removed what was written there, after it was. */
function flushIfThere(path: string): void {
  try {
    flush(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function openNew(path: string): number {
  try {
    return openSync(path, 'w', 0o644);
  } catch (error) {
    if (!isMissing(error)) throw error;
    makeFolders(dirname(path));
    return openSync(path, 'w', 0o644);
  }
}

function writeNew(path: string, content: Uint8Array | string, durable: boolean): void {
  const fd = openNew(path);
  try {
    writeFileSync(fd, content);
    if (durable) fsyncSync(fd);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Again, where somebody removed the folder in between. */
function place(from: string, to: string, durable: boolean): void {
  const folder = dirname(to);
  for (let attempt = 1; ; attempt++) {
    try {
      const made = makeFolders(folder);
      renameSync(from, to);
      if (durable) flushFolders(folder, made);
      return;
    } catch (error) {
      if (!isMissing(error) || attempt === FOLDER_ATTEMPTS) throw error;
    }
  }
}

/** Flushes a folder, and those above it that have new ones: a folder that a crash takes has what is in it go along. */
function flushFolders(folder: string, made: string | undefined): void {
  flushIfThere(folder);
  if (made === undefined) return;
  for (let above = dirname(folder); above.length >= dirname(made).length; above = dirname(above))
    flushIfThere(above);
}

function retire(folder: string, file: string, to: string): void {
  const others = readdirSync(folder).filter(name => name !== file);
  if (others.length > 0) throw Object.assign(new Error(`${folder} has ${others[0]}`), { code: 'ENOTEMPTY' });
  renameInto(folder, to);
}

function revive({ from, folder, file, content }: Extract<VolumeChange, { kind: 'revive' }>): void {
  const fd = openSync(join(from, file), 'r+');
  try {
    ftruncateSync(fd, writeSync(fd, content, 0));
  } finally {
    closeSync(fd);
  }
  renameInto(from, folder);
}

/** Renames, in a folder that is made where it is missing. */
function renameInto(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!isMissing(error)) throw error;
    makeFolders(dirname(to));
    renameSync(from, to);
  }
}

/** Whether it was a file: that goes at once, and needs no space to go on a full disk. */
function removeFile(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'EISDIR' || code === 'EPERM') return false;
    throw error;
  }
}

function remove(path: string, trash: string, durable: boolean): void {
  try {
    if (!removeFile(path)) renameInto(path, trash);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  if (durable) flushIfThere(dirname(path));
  rmSync(trash, { recursive: true, force: true });
}

/**
 * Makes a folder and its parents. Not by `recursive`, which calls a full disk a folder that is missing.
 *
 * @returns the topmost one that was made
 */
function makeFolders(path: string): string | undefined {
  try {
    mkdirSync(path);
    return path;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'EEXIST') return undefined;
    if (code !== 'ENOENT') throw error;
  }
  const first = makeFolders(dirname(path));
  return makeFolders(path) === undefined ? first : (first ?? path);
}
