import type { ByteString } from '../util/byte-string.ts';

export type TarEntryType =
  | 'file'
  | 'link'
  | 'symlink'
  | 'character-device'
  | 'block-device'
  | 'directory'
  | 'fifo';

/** Since 1970; `seconds` may be negative, `nanoseconds` is 0 … 999,999,999 and counts forwards from `seconds`. */
export interface TarTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/**
 * One member of an archive. Names, link targets and attribute names are byte strings (util/byte-string.ts), so that what
 * is not UTF-8 survives; `byteString('text')` makes one.
 */
export interface TarEntry {
  readonly type: TarEntryType;
  /** As in the archive; a folder's has no `/` at its end (the writer adds it). */
  readonly name: ByteString;
  /** Target of `link` (a name in the archive) and `symlink`; else empty. */
  readonly linkname: ByteString;
  /** Permission bits with setuid, setgid and sticky: 0 … 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of the body, sparse files expanded; 0 unless `file`. */
  readonly size: number;
  readonly mtime: TarTime;
  readonly devmajor: number;
  readonly devminor: number;
  /** By attribute name, e.g. `security.capability`. */
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
}

export const noXattrs: ReadonlyMap<string, Uint8Array> = new Map();
const epoch: TarTime = { seconds: 0, nanoseconds: 0 };
const defaults = {
  linkname: '' as ByteString,
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: epoch,
  devmajor: 0,
  devminor: 0,
  xattrs: noXattrs,
};

/** An entry with what `fields` leaves out: root's, empty, of 1970, mode 0644 (folders 0755). */
export function tarEntry(fields: Pick<TarEntry, 'type' | 'name'> & Partial<TarEntry>): TarEntry {
  return { ...defaults, ...(fields.type === 'directory' ? { mode: 0o755 } : {}), ...fields };
}
