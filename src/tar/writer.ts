import { HawserError } from '../errors/hawser-error.ts';
import { type ByteString, isAscii, textOf } from '../util/byte-string.ts';
import type { TarEntry, TarEntryType } from './entry.ts';
import { blockSize, encodeHeaderBlock, type HeaderFields, maxOctal8, maxOctal12 } from './header-block.ts';
import { formatPaxRecord, formatPaxTime } from './pax.ts';

/*
 * Canonical archives: ustar, with a pax header only for what ustar cannot say; no atime, ctime, user or group names; no
 * base-256; the same entry always gives the same bytes. Go's archive/tar, GNU tar, bsdtar and Python read all of it.
 */

const typeflags: Readonly<Record<TarEntryType, string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
};

const emptyFields: HeaderFields = {
  typeflag: '0',
  name: '' as ByteString,
  linkname: '' as ByteString,
  prefix: '',
  mode: 0,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 0,
  devmajor: 0,
  devminor: 0,
};

/** `name` as ustar's prefix and name, cut at a `/`; undefined where it does not fit. */
function splitName(name: string): readonly [prefix: string, name: string] | undefined {
  if (name.length <= 100) return ['', name];
  if (name.length > 256) return undefined;
  // The cut may not leave an empty name: a folder's last byte is a `/`.
  const slash = name.lastIndexOf('/', Math.min(155, name.length - 2));
  if (slash <= 0 || name.length - slash - 1 > 100) return undefined;
  return [name.slice(0, slash), name.slice(slash + 1)];
}

function isUtf8(text: string): boolean {
  const bytes = Buffer.from(text, 'latin1');
  return bytes.equals(Buffer.from(bytes.toString('utf8'), 'utf8'));
}

/** Whether a name must go into a pax record: too long, or UTF-8 beyond ASCII, which only pax labels as such. */
function needsPax(name: string, fits: boolean): boolean {
  return !fits || (!isAscii(name) && isUtf8(name));
}

function addXattrs(entry: TarEntry, records: Map<string, string>): void {
  for (const [name, value] of entry.xattrs) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
    // A pax key ends at the first `=`; libarchive's form escapes it.
    if (name.includes('=')) {
      const escaped = name.replace(/[%=]/g, sign => (sign === '%' ? '%25' : '%3D'));
      records.set(`LIBARCHIVE.xattr.${escaped}`, bytes.toString('base64').replace(/=+$/, ''));
    } else records.set(`SCHILY.xattr.${name}`, bytes.toString('latin1'));
  }
}

/** What of `entry` ustar's fields cannot hold. */
function paxRecordsOf(entry: TarEntry, name: string, nameFits: boolean): Map<string, string> {
  const records = new Map<string, string>();
  const { linkname, mtime } = entry;
  if (needsPax(name, nameFits)) records.set('path', name);
  if (needsPax(linkname, linkname.length <= 100)) records.set('linkpath', linkname);
  if (entry.uid > maxOctal8) records.set('uid', String(entry.uid));
  if (entry.gid > maxOctal8) records.set('gid', String(entry.gid));
  if (entry.size > maxOctal12) records.set('size', String(entry.size));
  if (mtime.nanoseconds !== 0 || mtime.seconds < 0 || mtime.seconds > maxOctal12) {
    records.set('mtime', formatPaxTime(mtime));
  }
  if (entry.xattrs.size > 0) addXattrs(entry, records);
  const names = [records.get('path'), records.get('linkpath')];
  if (names.some(value => value !== undefined && !isAscii(value) && !isUtf8(value))) {
    records.set('hdrcharset', 'BINARY');
  }
  return records;
}

function paxText(records: ReadonlyMap<string, string>): string {
  // hdrcharset speaks of the records behind it, so it comes first; the rest in byte order.
  const keys = [...records.keys()].sort((left, right) =>
    left === 'hdrcharset' ? -1 : right === 'hdrcharset' ? 1 : left < right ? -1 : 1,
  );
  return keys.map(key => formatPaxRecord(key, records.get(key) as string)).join('');
}

/** The name of the pax header itself, as Go's archive/tar has it; readers ignore it. */
function paxHeaderName(name: string): ByteString {
  const trimmed = name.replace(/\/+$/, '');
  const slash = trimmed.lastIndexOf('/');
  const path = `${trimmed.slice(0, slash + 1)}PaxHeaders.0/${trimmed.slice(slash + 1)}`;
  return path.replace(/[^\x20-\x7e]/g, '').slice(0, 100) as ByteString;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function checkEntry(entry: TarEntry): void {
  const refuse = (what: string): never => {
    throw new HawserError('TAR_INVALID', `cannot write ${JSON.stringify(textOf(entry.name))}: ${what}`);
  };
  if (entry.name === '') refuse('its name is empty');
  if (entry.name.includes('\0') || entry.linkname.includes('\0')) refuse('a name has a NUL byte');
  if (!isCount(entry.size) || (entry.size > 0 && entry.type !== 'file')) refuse(`its size is ${entry.size}`);
  if (!isCount(entry.uid) || !isCount(entry.gid)) refuse(`its owner is ${entry.uid}:${entry.gid}`);
  if (!isCount(entry.mode) || entry.mode > 0o7777) refuse(`its mode is ${entry.mode}`);
  if (!Number.isSafeInteger(entry.mtime.seconds)) refuse(`its mtime is ${entry.mtime.seconds}`);
  const device = [entry.devmajor, entry.devminor];
  if (!device.every(number => isCount(number) && number <= maxOctal8)) refuse(`its device is ${device}`);
}

function roundUp(size: number): number {
  return Math.ceil(size / blockSize) * blockSize;
}

/**
 * The header blocks of `entry`: what comes before its body. After the body comes `tarPadding(size)`.
 *
 * @throws HawserError TAR_INVALID for what no archive can hold
 */
export function encodeEntry(entry: TarEntry): Buffer {
  checkEntry(entry);
  const name = entry.type === 'directory' && !entry.name.endsWith('/') ? `${entry.name}/` : entry.name;
  const split = splitName(name);
  const records = paxRecordsOf(entry, name, split !== undefined);
  const seconds = entry.mtime.seconds;
  const fields: HeaderFields = {
    typeflag: typeflags[entry.type],
    name: (split?.[1] ?? name.slice(0, 100)) as ByteString,
    prefix: split?.[0] ?? '',
    linkname: entry.linkname.slice(0, 100) as ByteString,
    mode: entry.mode,
    uid: entry.uid > maxOctal8 ? 0 : entry.uid,
    gid: entry.gid > maxOctal8 ? 0 : entry.gid,
    size: entry.size > maxOctal12 ? 0 : entry.size,
    mtime: seconds < 0 || seconds > maxOctal12 ? 0 : seconds,
    devmajor: entry.devmajor,
    devminor: entry.devminor,
  };
  if (records.size === 0) {
    const block = Buffer.allocUnsafe(blockSize);
    encodeHeaderBlock(block, fields);
    return block;
  }
  const text = paxText(records);
  const blocks = Buffer.alloc(2 * blockSize + roundUp(text.length));
  encodeHeaderBlock(blocks, {
    ...emptyFields,
    typeflag: 'x',
    name: paxHeaderName(name),
    size: text.length,
  });
  blocks.write(text, blockSize, 'latin1');
  encodeHeaderBlock(blocks.subarray(blocks.length - blockSize), fields);
  return blocks;
}

const zeros = new Uint8Array(2 * blockSize);

/** The zeros that fill a body of `size` bytes up to a whole block. Shared: do not write into them. */
export function tarPadding(size: number): Uint8Array {
  return zeros.subarray(0, roundUp(size) - size);
}

/** The two zero blocks that end an archive. Shared: do not write into them. */
export function endOfArchive(): Uint8Array {
  return zeros;
}

export interface TarItem {
  readonly entry: TarEntry;
  /** Exactly `entry.size` bytes. */
  readonly body?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/**
 * An archive of `items`, in their order.
 *
 * @throws HawserError TAR_INVALID when a body is longer or shorter than its entry says
 */
export async function* writeTar(
  items: AsyncIterable<TarItem> | Iterable<TarItem>,
): AsyncGenerator<Uint8Array> {
  for await (const { entry, body } of items) {
    yield encodeEntry(entry);
    let written = 0;
    for await (const chunk of body ?? []) {
      written += chunk.length;
      if (written > entry.size) break;
      yield chunk;
    }
    if (written !== entry.size) {
      const name = JSON.stringify(textOf(entry.name));
      throw new HawserError('TAR_INVALID', `the body of ${name} is not the ${entry.size} bytes it should be`);
    }
    yield tarPadding(entry.size);
  }
  yield endOfArchive();
}

/** The body of an entry that is in memory. */
export function tarItem(entry: TarEntry, content: Uint8Array): TarItem {
  return { entry: { ...entry, size: content.length }, body: [content] };
}
