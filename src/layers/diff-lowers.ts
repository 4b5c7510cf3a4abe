import { type BigIntStats, lstatSync, readdirSync } from 'node:fs';
import { systemErrorCode } from '../errors/hawser-error.ts';
import { type ByteString, fsPath } from '../util/byte-string.ts';
import { fsOps } from './fs-ops.ts';
import { opaqueAttribute } from './overlay-mount.ts';

/** What the parents show under one name: the entry, and the folders that merge below it, the nearest first. */
export interface LowerEntry {
  readonly path: ByteString;
  readonly stat: BigIntStats;
  readonly folders: readonly ByteString[];
}

export function lstatOf(path: ByteString): BigIntStats | undefined {
  try {
    return lstatSync(fsPath(path), { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    if (systemErrorCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** A device 0:0 stands for a name that was removed; Documentation/filesystems/overlayfs.rst, "whiteouts". */
export function isWhiteout(stat: BigIntStats): boolean {
  return stat.rdev === 0n && stat.isCharacterDevice();
}

/** Whether nothing of the folders below shows through this folder of an overlay. */
export function isOpaque(path: ByteString): boolean {
  return fsOps.lgetxattr(fsPath(path), opaqueAttribute())?.toString('latin1') === 'y';
}

/** Joins as overlayfs does: what `name` is in a folder that merges `folders`. Undefined where there is no such name. */
export function lookUpLower(folders: readonly ByteString[], name: ByteString): LowerEntry | undefined {
  let found: { readonly path: ByteString; readonly stat: BigIntStats } | undefined;
  const merged: ByteString[] = [];
  for (const folder of folders) {
    const path = `${folder}/${name}` as ByteString;
    const stat = lstatOf(path);
    if (stat === undefined) continue;
    if (isWhiteout(stat)) break;
    if (!stat.isDirectory()) {
      found ??= { path, stat };
      break;
    }
    found ??= { path, stat };
    merged.push(path);
    if (isOpaque(path)) break;
  }
  return found === undefined ? undefined : { ...found, folders: merged };
}

export function namesOf(folder: ByteString): ByteString[] {
  return readdirSync(fsPath(folder), { encoding: 'latin1' }) as ByteString[];
}

/** Every name in `folders`, removed ones among them: `lookUpLower` tells. */
export function lowerNames(folders: readonly ByteString[]): ReadonlySet<ByteString> {
  return new Set(folders.flatMap(namesOf));
}
