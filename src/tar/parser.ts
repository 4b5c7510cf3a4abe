import { HawserError } from '../errors/hawser-error.ts';
import { textOf } from '../util/byte-string.ts';
import type { TarEntry } from './entry.ts';
import { blockSize, decodeHeaderBlock, isZeroBlock, numberField } from './header-block.ts';
import { type PendingEntry, PendingHeader } from './pending-header.ts';
import { checkSparseParts, gnuSparseParts, type SparsePart, sparseMapIn } from './sparse.ts';

/** What the parser tells, in this order for each entry: `entry`, any number of `data` and `hole`, `entryEnd`. */
export interface TarHandler {
  entry(entry: TarEntry): void;
  /** Bytes of the body: a view of what was written into the parser. */
  data(bytes: Buffer): void;
  /** `length` zero bytes of a sparse file, more than 0. */
  hole(length: number): void;
  entryEnd(): void;
}

export interface TarLimits {
  /** Bytes of one extended header (pax, GNU long name, sparse map); default 1 MiB. */
  readonly maxHeaderSize?: number;
  readonly maxEntries?: number;
  /** Bytes of all bodies together, sparse files expanded. */
  readonly maxSize?: number;
}

const defaultMaxHeaderSize = 1024 * 1024;

type Mode = 'collect' | 'body' | 'skip' | 'end';

/**
 * Reads POSIX pax and ustar, v7, and GNU archives as they arrive, synchronously. After the two zero blocks that end an
 * archive anything may follow and is passed over, and an archive may end without them, between two entries; both as Go's
 * archive/tar (so Docker) has it. Global pax headers and volume labels are passed over.
 *
 * `write` and `finish` throw HawserError TAR_INVALID; the parser is of no use then.
 */
export class TarParser {
  readonly #handler: TarHandler;
  readonly #maxHeaderSize: number;
  readonly #maxEntries: number;
  readonly #maxSize: number;
  readonly #pending = new PendingHeader();
  #mode: Mode = 'collect';
  /** In mode collect: what to do with the next `#wanted` bytes. */
  #next: (bytes: Buffer) => void;
  #wanted = blockSize;
  #collected: Buffer | undefined;
  #have = 0;
  /** Stored bytes of the body that are still to come, and the zeros behind it. */
  #left = 0;
  #padding = 0;
  /** The rest of a sparse file's parts, in reverse; undefined for a plain file. */
  #parts: SparsePart[] | undefined;
  #position = 0;
  #entry: TarEntry | undefined;
  #entries = 0;
  #total = 0;
  #zeroSeen = false;

  constructor(handler: TarHandler, limits: TarLimits = {}) {
    this.#handler = handler;
    this.#next = this.#takeHeader;
    this.#maxHeaderSize = limits.maxHeaderSize ?? defaultMaxHeaderSize;
    this.#maxEntries = limits.maxEntries ?? Number.POSITIVE_INFINITY;
    this.#maxSize = limits.maxSize ?? Number.POSITIVE_INFINITY;
  }

  write(chunk: Buffer): void {
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#mode === 'body') offset = this.#passBody(chunk, offset);
      else if (this.#mode === 'collect') offset = this.#collect(chunk, offset);
      else if (this.#mode === 'skip') {
        const length = Math.min(this.#left, chunk.length - offset);
        offset += length;
        this.#left -= length;
        if (this.#left === 0) this.#expectHeader();
      } else return;
    }
  }

  /** Call it when there is no more to write. */
  finish(): void {
    const isBetween =
      this.#mode === 'end' || (this.#mode === 'skip' && this.#left <= this.#padding) || this.#isAtHeader();
    if (!isBetween || !this.#pending.isEmpty) {
      throw new HawserError('TAR_INVALID', `the archive ends in the middle${this.#where()}`);
    }
    this.#mode = 'end';
  }

  #isAtHeader(): boolean {
    return this.#mode === 'collect' && this.#have === 0 && this.#next === this.#takeHeader;
  }

  #where(): string {
    return this.#entry === undefined ? '' : ` of ${JSON.stringify(textOf(this.#entry.name))}`;
  }

  #expect(wanted: number, next: (bytes: Buffer) => void): void {
    this.#mode = 'collect';
    this.#wanted = wanted;
    this.#next = next;
    this.#have = 0;
  }

  readonly #takeHeader = (block: Buffer): void => this.#onHeader(block);

  #expectHeader(): void {
    this.#padding = 0;
    this.#expect(blockSize, this.#takeHeader);
  }

  /** Skips `length` bytes; of these the last `padding` may be missing at the end of the archive. */
  #skip(length: number, padding: number): void {
    this.#left = length;
    this.#padding = padding;
    this.#mode = 'skip';
    if (length === 0) this.#expectHeader();
  }

  #collect(chunk: Buffer, offset: number): number {
    const available = chunk.length - offset;
    if (this.#have === 0 && available >= this.#wanted) {
      const end = offset + this.#wanted;
      this.#next(chunk.subarray(offset, end));
      return end;
    }
    if (this.#have === 0) this.#collected = Buffer.allocUnsafe(this.#wanted);
    const collected = this.#collected as Buffer;
    const length = Math.min(available, this.#wanted - this.#have);
    chunk.copy(collected, this.#have, offset, offset + length);
    this.#have += length;
    if (this.#have === this.#wanted) {
      this.#collected = undefined;
      this.#next(collected);
    }
    return offset + length;
  }

  #onHeader(block: Buffer): void {
    if (isZeroBlock(block)) {
      if (this.#zeroSeen) this.#mode = 'end';
      this.#zeroSeen = true;
      if (!this.#pending.isEmpty)
        throw new HawserError('TAR_INVALID', 'an extended header belongs to no entry');
      this.#have = 0;
      return;
    }
    if (this.#zeroSeen) throw new HawserError('TAR_INVALID', 'an entry follows a lone zero block');
    const header = decodeHeaderBlock(block);
    switch (header.typeflag) {
      case 'x':
      case 'X':
        return this.#expectExtended(header.size, body => this.#pending.setPax(body));
      case 'L':
        return this.#expectExtended(header.size, body => this.#pending.setLong('name', body));
      case 'K':
        return this.#expectExtended(header.size, body => this.#pending.setLong('link', body));
      case 'g':
      case 'V':
        return this.#skip(roundUp(header.size), 0);
      default: {
        const pending = this.#pending.resolve(header);
        this.#pending.clear();
        if (header.typeflag === 'S') this.#startGnuSparse(pending, block);
        else this.#start(pending);
      }
    }
  }

  #expectExtended(size: number, use: (body: Buffer) => void): void {
    if (size < 0 || size > this.#maxHeaderSize) {
      throw new HawserError('TAR_INVALID', `an extended header of ${size} bytes is over the limit`);
    }
    if (size === 0) use(Buffer.alloc(0));
    else {
      this.#expect(roundUp(size), blocks => {
        use(blocks.subarray(0, size));
        this.#expectHeader();
      });
    }
  }

  #startGnuSparse(pending: PendingEntry, block: Buffer): void {
    const entry = { ...pending.entry, size: numberField(block, 483, 12) };
    const parts = gnuSparseParts(block, 386, 4);
    const begin = () => {
      checkSparseParts(parts, pending.stored, entry.size);
      this.#begin(entry, pending.stored, parts);
    };
    const extend = (extension: Buffer) => {
      parts.push(...gnuSparseParts(extension, 0, 21));
      if (24 * parts.length > this.#maxHeaderSize) {
        throw new HawserError('TAR_INVALID', 'a sparse map is over the limit');
      }
      if (extension[504] === 0) begin();
      else this.#expect(blockSize, extend);
    };
    this.#entry = entry;
    if (block[482] === 0) begin();
    else this.#expect(blockSize, extend);
  }

  #start({ entry, stored, sparse }: PendingEntry): void {
    if (sparse === undefined) return this.#begin(entry, stored, undefined);
    if (sparse.parts !== undefined) {
      checkSparseParts(sparse.parts, stored, entry.size);
      return this.#begin(entry, stored, sparse.parts);
    }
    let map = Buffer.alloc(0);
    const extend = (block: Buffer) => {
      map = Buffer.concat([map, block]);
      const found = sparseMapIn(map);
      if (found === undefined) {
        if (map.length > this.#maxHeaderSize || map.length >= stored) {
          throw new HawserError('TAR_INVALID', 'a sparse map is over the limit');
        }
        this.#expect(blockSize, extend);
      } else {
        checkSparseParts(found.parts, stored - map.length, entry.size);
        this.#begin(entry, stored - map.length, found.parts);
      }
    };
    this.#entry = entry;
    this.#expect(blockSize, extend);
    return undefined;
  }

  #begin(entry: TarEntry, stored: number, parts: readonly SparsePart[] | undefined): void {
    this.#entries++;
    this.#total += entry.size;
    if (this.#entries > this.#maxEntries) {
      throw new HawserError('TAR_INVALID', `the archive has more than ${this.#maxEntries} entries`);
    }
    if (this.#total > this.#maxSize) {
      throw new HawserError('TAR_INVALID', `the archive's files are larger than ${this.#maxSize} bytes`);
    }
    this.#entry = entry;
    this.#left = stored;
    this.#padding = roundUp(stored) - stored;
    this.#parts = parts?.filter(part => part.length > 0).toReversed();
    this.#position = 0;
    this.#handler.entry(entry);
    this.#mode = 'body';
    if (stored === 0) this.#endEntry(entry);
  }

  #passBody(chunk: Buffer, offset: number): number {
    const entry = this.#entry as TarEntry;
    let length = Math.min(this.#left, chunk.length - offset);
    const part = this.#parts?.at(-1);
    if (part !== undefined) {
      if (part.offset > this.#position) this.#handler.hole(part.offset - this.#position);
      this.#position = Math.max(part.offset, this.#position);
      length = Math.min(length, part.offset + part.length - this.#position);
      if (this.#position + length === part.offset + part.length) this.#parts?.pop();
    }
    const end = offset + length;
    this.#handler.data(offset === 0 && end === chunk.length ? chunk : chunk.subarray(offset, end));
    this.#position += length;
    this.#left -= length;
    if (this.#left === 0) this.#endEntry(entry);
    return end;
  }

  #endEntry(entry: TarEntry): void {
    if (this.#parts !== undefined && entry.size > this.#position) {
      this.#handler.hole(entry.size - this.#position);
    }
    this.#parts = undefined;
    this.#entry = undefined;
    this.#handler.entryEnd();
    this.#skip(this.#padding, this.#padding);
  }
}

function roundUp(size: number): number {
  return Math.ceil(size / blockSize) * blockSize;
}
