import type { OpenFile } from './image-files.ts';

/*
 * Reads tables of an SQLite database: sqlite.org/fileformat2.html. Node 20 has no SQLite, and nothing but a walk over one
 * table is needed here. What a write-ahead log has beside it is not seen.
 */

export type SqliteValue = number | string | Buffer | null;

const HEADER = 100;
const LEAF = 13;
const INTERIOR = 5;
/** Of a tree: an honest one has no more levels. */
const DEPTH = 20;

/** Of a database that is broken, or that is none. */
export class SqliteError extends Error {}

export class SqliteFile {
  readonly #file: OpenFile;
  readonly #pageSize: number;
  readonly #usable: number;

  /** @throws SqliteError, RangeError */
  constructor(file: OpenFile) {
    this.#file = file;
    const header = file.bytes(0, HEADER);
    if (header.toString('latin1', 0, 16) !== 'SQLite format 3\0')
      throw new SqliteError('it is no SQLite database');
    const size = header.readUInt16BE(16);
    this.#pageSize = size === 1 ? 65_536 : size;
    this.#usable = this.#pageSize - (header[20] ?? 0);
    if (this.#usable < 480) throw new SqliteError('its pages are too small');
  }

  /** The rows of a table, each as its columns. @throws SqliteError, RangeError */
  *rows(table: string): Generator<readonly SqliteValue[], void> {
    for (const [type, name, , root] of this.#tree(1, 0)) {
      if (type !== 'table' || name !== table || typeof root !== 'number') continue;
      yield* this.#tree(root, 0);
      return;
    }
    throw new SqliteError(`it has no table ${table}`);
  }

  #page(number: number): Buffer {
    if (number < 1) throw new SqliteError('a page number is wrong');
    return this.#file.bytes((number - 1) * this.#pageSize, this.#pageSize);
  }

  *#tree(number: number, depth: number): Generator<readonly SqliteValue[], void> {
    if (depth > DEPTH) throw new SqliteError('its pages go round in a circle');
    const page = this.#page(number);
    const start = number === 1 ? HEADER : 0;
    const type = page[start];
    const cells = page.readUInt16BE(start + 3);
    const pointers = start + (type === INTERIOR ? 12 : 8);
    for (let index = 0; index < cells; index++) {
      const cell = page.readUInt16BE(pointers + 2 * index);
      if (type === INTERIOR) yield* this.#tree(page.readUInt32BE(cell), depth + 1);
      else if (type === LEAF) yield recordOf(this.#payload(page, cell));
      else throw new SqliteError(`a page is of type ${type}`);
    }
    if (type === INTERIOR) yield* this.#tree(page.readUInt32BE(start + 8), depth + 1);
  }

  /** The bytes of a row, of which those that do not fit into the page are on others. */
  #payload(page: Buffer, cell: number): Buffer {
    const [size, afterSize] = varint(page, cell);
    const [, start] = varint(page, afterSize);
    const usable = this.#usable;
    const most = usable - 35;
    if (size <= most) return page.subarray(start, start + size);
    if (size > this.#file.size) throw new SqliteError('a row is larger than the file');
    const least = Math.floor(((usable - 12) * 32) / 255) - 23;
    const wanted = least + ((size - least) % (usable - 4));
    const local = wanted <= most ? wanted : least;
    const parts = [page.subarray(start, start + local)];
    let missing = size - local;
    for (let next = page.readUInt32BE(start + local); missing > 0; ) {
      const overflow = this.#page(next);
      const part = overflow.subarray(4, 4 + Math.min(missing, usable - 4));
      parts.push(part);
      missing -= part.length;
      next = overflow.readUInt32BE(0);
    }
    return Buffer.concat(parts);
  }
}

/** A number of 1 to 9 bytes, and where the next one begins. Beyond 2^53 it is not exact. */
function varint(bytes: Buffer, start: number): readonly [value: number, end: number] {
  let value = 0;
  for (let index = 0; index < 8; index++) {
    const byte = bytes.readUInt8(start + index);
    value = value * 128 + (byte & 0x7f);
    if (byte < 128) return [value, start + index + 1];
  }
  return [value * 256 + bytes.readUInt8(start + 8), start + 9];
}

function recordOf(payload: Buffer): readonly SqliteValue[] {
  const [headerSize, first] = varint(payload, 0);
  const values: SqliteValue[] = [];
  let body = headerSize;
  for (let at = first; at < headerSize; ) {
    const [type, next] = varint(payload, at);
    const [value, length] = valueOf(payload, body, type);
    values.push(value);
    body += length;
    at = next;
  }
  return values;
}

const integerSizes = [0, 1, 2, 3, 4, 6, 8];

function valueOf(bytes: Buffer, at: number, type: number): readonly [SqliteValue, length: number] {
  if (type === 0) return [null, 0];
  if (type <= 5) {
    const length = integerSizes[type] ?? 0;
    return [bytes.readIntBE(at, length), length];
  }
  if (type === 6) return [Number(bytes.readBigInt64BE(at)), 8];
  if (type === 7) return [bytes.readDoubleBE(at), 8];
  if (type === 8 || type === 9) return [type - 8, 0];
  const length = Math.floor((type - 12) / 2);
  const content = bytes.subarray(at, at + length);
  return [type % 2 === 0 ? content : content.toString('utf8'), length];
}
