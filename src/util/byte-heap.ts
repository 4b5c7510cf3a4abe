import type { ByteString } from './byte-string.ts';

/** Strings begin at multiples of 4, so that 32 bits address 16 GiB: 16 bits the page, 16 the place in it. */
const alignment = 4;
const pageSize = 65_536 * alignment;
const headerSize = 4;

/** Byte strings without an object each; a string is found by the number that `add` gave. */
export class ByteHeap {
  readonly #pages: Buffer[] = [];
  #used = pageSize;

  add(text: ByteString): number {
    const size = headerSize + text.length;
    if (this.#used + size > pageSize) this.#addPage(size);
    const index = this.#pages.length - 1;
    const page = this.#pages[index] as Buffer;
    const at = this.#used;
    page.writeUInt32LE(text.length, at);
    page.write(text, at + headerSize, 'latin1');
    this.#used = Math.ceil((at + size) / alignment) * alignment;
    return index * 65_536 + at / alignment;
  }

  /** A page for a string of `size`; for a long one it is longer than others. */
  #addPage(size: number): void {
    this.#pages.push(Buffer.allocUnsafeSlow(Math.max(size, pageSize)));
    this.#used = 0;
  }

  get(text: number): ByteString {
    const page = this.#page(text);
    const at = placeOf(text);
    return page.toString('latin1', at, at + page.readUInt32LE(at - headerSize)) as ByteString;
  }

  equals(text: number, other: ByteString): boolean {
    const page = this.#page(text);
    const at = placeOf(text);
    if (page.readUInt32LE(at - headerSize) !== other.length) return false;
    for (let index = 0; index < other.length; index++) {
      if (page[at + index] !== other.charCodeAt(index)) return false;
    }
    return true;
  }

  /** Below, above or 0 as the bytes of two strings are ordered. */
  compare(left: number, right: number): number {
    const [a, b] = [this.#page(left), this.#page(right)];
    const [from, to] = [placeOf(left), placeOf(right)];
    const [long, wide] = [a.readUInt32LE(from - headerSize), b.readUInt32LE(to - headerSize)];
    for (let index = 0; index < Math.min(long, wide); index++) {
      const difference = (a[from + index] as number) - (b[to + index] as number);
      if (difference !== 0) return difference;
    }
    return long - wide;
  }

  #page(text: number): Buffer {
    return this.#pages[text >>> 16] as Buffer;
  }
}

/** Of the first byte. */
function placeOf(text: number): number {
  return (text & 0xffff) * alignment + headerSize;
}
