import type { ByteString } from './byte-string.ts';

/** Entries of a page: small lists take little, and large ones grow without being copied. */
const pageLength = 1 << 14;

interface NumberArray {
  [index: number]: number;
}

/**
 * A list of numbers in typed arrays: what a million objects would hold takes a tenth of the memory, and the garbage
 * collector never looks at it.
 */
export class Column {
  readonly #make: (length: number) => NumberArray;
  readonly #pages: (NumberArray | undefined)[] = [];

  /** @param make A page of zeros, e.g. `length => new Uint32Array(length)`. */
  constructor(make: (length: number) => NumberArray) {
    this.#make = make;
  }

  get(index: number): number {
    return this.#pages[index >>> 14]?.[index & (pageLength - 1)] ?? 0;
  }

  set(index: number, value: number): void {
    const page = index >>> 14;
    // Pages of nothing but zeros need not be there.
    if (value === 0 && this.#pages[page] === undefined) return;
    const numbers = (this.#pages[page] ??= this.#make(pageLength));
    numbers[index & (pageLength - 1)] = value;
  }
}

export const uint8Column = () => new Column(length => new Uint8Array(length));
export const uint16Column = () => new Column(length => new Uint16Array(length));
export const uint32Column = () => new Column(length => new Uint32Array(length));
export const float64Column = () => new Column(length => new Float64Array(length));

/** A list of byte strings of one length, zeros where none was set. */
export class ByteRows {
  readonly #width: number;
  readonly #pages: (Buffer | undefined)[] = [];

  constructor(width: number) {
    this.#width = width;
  }

  get(index: number): ByteString | undefined {
    const at = (index & (pageLength - 1)) * this.#width;
    return this.#pages[index >>> 14]?.toString('latin1', at, at + this.#width) as ByteString | undefined;
  }

  set(index: number, row: ByteString): void {
    const page = (this.#pages[index >>> 14] ??= Buffer.alloc(pageLength * this.#width));
    page.write(row, (index & (pageLength - 1)) * this.#width, this.#width, 'latin1');
  }
}
