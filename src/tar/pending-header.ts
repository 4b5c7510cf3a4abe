import { HawserError } from '../errors/hawser-error.ts';
import type { ByteString } from '../util/byte-string.ts';
import type { TarEntry, TarEntryType, TarTime } from './entry.ts';
import type { HeaderBlock } from './header-block.ts';
import { parsePaxNumber, parsePaxRecords, parsePaxTime } from './pax.ts';
import { paxSparseParts, type SparsePart } from './sparse.ts';

const types: Readonly<Record<string, TarEntryType>> = {
  '\0': 'file',
  '0': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
  '7': 'file',
  S: 'file',
};

/** Why an expanded size is not the stored size, and where the map is. */
export interface SparseHead {
  /** Undefined for format 1.0, whose map is in the body, and for the old format, whose map is in the block. */
  readonly parts: SparsePart[] | undefined;
  readonly version: 'pax-0' | 'pax-1';
}

export interface PendingEntry {
  readonly entry: TarEntry;
  /** Bytes of the body in the archive. */
  readonly stored: number;
  readonly sparse: SparseHead | undefined;
}

function decodePercent(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** What extended headers say of the entry that follows them. */
export class PendingHeader {
  #records: (readonly [ByteString, ByteString])[] | undefined;
  #values = new Map<string, ByteString>();
  #xattrs: Map<string, Uint8Array> | undefined;
  #longName: ByteString | undefined;
  #longLink: ByteString | undefined;

  get isEmpty(): boolean {
    return this.#records === undefined && this.#longName === undefined && this.#longLink === undefined;
  }

  clear(): void {
    if (this.#records !== undefined) {
      this.#records = undefined;
      this.#values = new Map();
      this.#xattrs = undefined;
    }
    this.#longName = undefined;
    this.#longLink = undefined;
  }

  /** The body of a pax header (`x`); a later one takes the place of an earlier one. */
  setPax(body: Buffer): void {
    this.#records = parsePaxRecords(body);
    this.#values = new Map();
    this.#xattrs = undefined;
    const fromLibarchive = new Map<string, Uint8Array>();
    const fromStar = new Map<string, Uint8Array>();
    for (const [key, value] of this.#records) {
      if (key.startsWith('SCHILY.xattr.')) fromStar.set(key.slice(13), Buffer.from(value, 'latin1'));
      else if (key.startsWith('LIBARCHIVE.xattr.')) {
        fromLibarchive.set(decodePercent(key.slice(17)), Buffer.from(value, 'base64'));
      } else if (value !== '') this.#values.set(key, value);
      else this.#values.delete(key);
    }
    if (fromStar.size + fromLibarchive.size > 0) this.#xattrs = new Map([...fromLibarchive, ...fromStar]);
  }

  /** The body of GNU's `L` and `K`: a name, ended by NUL. */
  setLong(kind: 'name' | 'link', body: Buffer): void {
    const nul = body.indexOf(0);
    const text = body.toString('latin1', 0, nul < 0 ? body.length : nul) as ByteString;
    if (kind === 'name') this.#longName = text;
    else this.#longLink = text;
  }

  #number(key: string, otherwise: number): number {
    const value = this.#values.get(key);
    return value === undefined ? otherwise : parsePaxNumber(key, value);
  }

  #mtime(block: HeaderBlock): TarTime {
    const value = this.#values.get('mtime');
    return value === undefined ? { seconds: block.mtime, nanoseconds: 0 } : parsePaxTime(value);
  }

  #sparse(): SparseHead | undefined {
    if (this.#records === undefined) return undefined;
    if (this.#values.get('GNU.sparse.major') === '1') return { parts: undefined, version: 'pax-1' };
    const parts = paxSparseParts(this.#records);
    return parts && { parts, version: 'pax-0' };
  }

  /** @throws HawserError TAR_INVALID */
  resolve(block: HeaderBlock): PendingEntry {
    const values = this.#values;
    const sparse = this.#sparse();
    const rawName = this.#longName ?? values.get('GNU.sparse.name') ?? values.get('path') ?? block.name;
    let type = types[block.typeflag];
    if (type === undefined) {
      throw new HawserError('TAR_INVALID', `entry of the unsupported type ${JSON.stringify(block.typeflag)}`);
    }
    if (block.typeflag === '\0' && rawName.endsWith('/')) type = 'directory';
    const stored = type === 'file' ? this.#number('size', block.size) : 0;
    let size = stored;
    if (sparse !== undefined && type === 'file') {
      size = this.#number('GNU.sparse.realsize', this.#number('GNU.sparse.size', stored));
    }
    const isLink = type === 'link' || type === 'symlink';
    const linkname = isLink ? (this.#longLink ?? values.get('linkpath') ?? block.linkname) : '';
    const entry: TarEntry = {
      type,
      name: checkName(type === 'directory' ? withoutSlash(rawName) : rawName),
      linkname: linkname as ByteString,
      mode: block.mode & 0o7777,
      uid: this.#number('uid', block.uid),
      gid: this.#number('gid', block.gid),
      size,
      mtime: this.#mtime(block),
      devmajor: block.devmajor,
      devminor: block.devminor,
      xattrs: this.#xattrs ?? noXattrs,
    };
    checkFields(entry, stored);
    return { entry, stored, sparse: type === 'file' ? sparse : undefined };
  }
}

const noXattrs: ReadonlyMap<string, Uint8Array> = new Map();

function withoutSlash(name: ByteString): ByteString {
  let end = name.length;
  while (end > 1 && name.charCodeAt(end - 1) === 0x2f) end--;
  return end === name.length ? name : (name.slice(0, end) as ByteString);
}

function checkName(name: ByteString): ByteString {
  if (name === '') throw new HawserError('TAR_INVALID', 'an entry has no name');
  if (name.includes('\0')) throw new HawserError('TAR_INVALID', 'the name of an entry has a NUL byte');
  return name;
}

function checkFields(entry: TarEntry, stored: number): void {
  const numbers = [entry.uid, entry.gid, entry.size, entry.devmajor, entry.devminor, stored];
  const isWrong = numbers.some(value => value < 0) || entry.linkname.includes('\0');
  if (isWrong)
    throw new HawserError('TAR_INVALID', `the entry ${JSON.stringify(entry.name)} has a wrong field`);
}
