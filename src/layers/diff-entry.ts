import { type BigIntStats, closeSync, openSync, readlinkSync, readSync } from 'node:fs';
import type { TarEntry, TarEntryType } from '../tar/entry.ts';
import { type ByteString, byteStringOf, fsPath } from '../util/byte-string.ts';
import type { LowerEntry } from './diff-lowers.ts';
import { fsOps, splitDevice } from './fs-ops.ts';

/**
 * Which attributes a layer carries. `capability` is BuildKit's rule, `security.capability` alone; `user` adds `user.*`, as
 * buildah does; docs/decisions/0005-xattrs-in-layers.md. `trusted.overlay.*` never.
 */
export type LayerXattrs = 'capability' | 'user';

const CAPABILITY = 'security.capability';
const noXattrs: ReadonlyMap<string, Uint8Array> = new Map();

/** The attributes of a file that go into a layer, sorted by name. */
function layerXattrs(path: ByteString, wanted: LayerXattrs): ReadonlyMap<string, Uint8Array> {
  const target = fsPath(path);
  // Attributes are rare, and one call tells that there is none.
  const names = fsOps
    .llistxattr(target)
    .filter(name => name === CAPABILITY || (wanted === 'user' && isUserXattr(name)))
    .sort();
  if (names.length === 0) return noXattrs;
  const xattrs = new Map<string, Uint8Array>();
  for (const name of names) {
    const value = fsOps.lgetxattr(target, name);
    if (value !== undefined) xattrs.set(name, value);
  }
  return xattrs;
}

function isUserXattr(name: string): boolean {
  return name.startsWith('user.') && !name.startsWith('user.overlay.');
}

function typeOf(stat: BigIntStats): TarEntryType {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isFIFO()) return 'fifo';
  return stat.isBlockDevice() ? 'block-device' : 'character-device';
}

function linkTarget(path: ByteString): ByteString {
  return byteStringOf(readlinkSync(fsPath(path), { encoding: 'buffer' }));
}

/** Whole seconds, rounded down: layers have no finer times. */
function secondsOf(mtimeNs: bigint): number {
  const seconds = mtimeNs / 1_000_000_000n;
  return Number(mtimeNs < 0n && seconds * 1_000_000_000n !== mtimeNs ? seconds - 1n : seconds);
}

export interface EntryOptions {
  readonly xattrs: LayerXattrs;
  /** Seconds since 1970 that no modification time exceeds: SOURCE_DATE_EPOCH. */
  readonly latest: number;
  /** Files of one size and time count as changed where their contents differ. */
  readonly comparesContents: boolean;
}

/** The tar entry of a file as it lies on the disk. */
export function entryOf(
  name: ByteString,
  path: ByteString,
  stat: BigIntStats,
  options: EntryOptions,
): TarEntry {
  const type = typeOf(stat);
  const isDevice = type === 'block-device' || type === 'character-device';
  const { major, minor } = isDevice ? splitDevice(stat.rdev) : { major: 0, minor: 0 };
  return {
    type,
    name,
    linkname: type === 'symlink' ? linkTarget(path) : ('' as ByteString),
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: type === 'file' ? Number(stat.size) : 0,
    mtime: { seconds: Math.min(secondsOf(stat.mtimeNs), options.latest), nanoseconds: 0 },
    devmajor: major,
    devminor: minor,
    xattrs: layerXattrs(path, options.xattrs),
  };
}

function sameXattrs(left: ByteString, right: ByteString, wanted: LayerXattrs): boolean {
  const [a, b] = [layerXattrs(left, wanted), layerXattrs(right, wanted)];
  if (a.size !== b.size) return false;
  for (const [name, value] of a) {
    const other = b.get(name);
    if (other === undefined || Buffer.compare(value, other) !== 0) return false;
  }
  return true;
}

const compareSize = 64 * 1024;

function sameContent(left: ByteString, right: ByteString): boolean {
  const [a, b] = [Buffer.allocUnsafe(compareSize), Buffer.allocUnsafe(compareSize)];
  const first = openSync(fsPath(left), 'r');
  try {
    const second = openSync(fsPath(right), 'r');
    try {
      for (;;) {
        const read = readSync(first, a, 0, compareSize, null);
        if (readSync(second, b, 0, compareSize, null) !== read) return false;
        if (read === 0) return true;
        if (a.compare(b, 0, read, 0, read) !== 0) return false;
      }
    } finally {
      closeSync(second);
    }
  } finally {
    closeSync(first);
  }
}

/**
 * Whether a file is as its parent has it: a folder's time does not count; a file's does, to the nanosecond. BuildKit
 * (containerd/continuity fs, `sameDirent`) compares contents only where both times may have been cut to seconds; but the
 * kernel's clock for files ticks every few milliseconds, in which two stages can write the same number of bytes.
 */
export function isUnchanged(
  path: ByteString,
  stat: BigIntStats,
  lower: LowerEntry,
  { xattrs: wanted, comparesContents }: Pick<EntryOptions, 'xattrs' | 'comparesContents'>,
): boolean {
  const before = lower.stat;
  if (stat.mode !== before.mode || stat.uid !== before.uid || stat.gid !== before.gid) return false;
  if (stat.rdev !== before.rdev) return false;
  if (!stat.isDirectory()) {
    if (stat.size !== before.size || stat.mtimeNs !== before.mtimeNs) return false;
    if (stat.isSymbolicLink() && linkTarget(path) !== linkTarget(lower.path)) return false;
  }
  if (!sameXattrs(path, lower.path, wanted)) return false;
  const mayDiffer = comparesContents || stat.mtimeNs % 1_000_000_000n === 0n;
  return !mayDiffer || !stat.isFile() || stat.size === 0n || sameContent(path, lower.path);
}
