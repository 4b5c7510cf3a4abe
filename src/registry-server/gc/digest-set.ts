import type { Digest } from '../../image/digest.ts';
import { digestHex } from '../../image/digest.ts';

const START = 1024;
/** Hex digits that are kept: 52 bits, as many as a number has. */
const DIGITS = 13;

/**
 * A set of digests in 16 bytes each, so that a volume with millions of blobs can be collected in little memory. It may say
 * of a digest that it has it where it has another one with the same beginning: what is asked for here is whether content is
 * in use, so that such a chance keeps garbage and loses nothing.
 */
export class DigestSet {
  #slots = new Float64Array(START).fill(-1);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(digest: Digest): void {
    if (this.#insert(keyOf(digest))) this.#size++;
    if (this.#size * 2 > this.#slots.length) this.#grow();
  }

  has(digest: Digest): boolean {
    return this.#slots[this.#find(keyOf(digest))] !== -1;
  }

  /** The slot of a key, or the free one where it belongs. */
  #find(key: number): number {
    const mask = this.#slots.length - 1;
    // The low bits of a digest are as random as any.
    let at = key % this.#slots.length;
    while (this.#slots[at] !== -1 && this.#slots[at] !== key) at = (at + 1) & mask;
    return at;
  }

  #insert(key: number): boolean {
    const at = this.#find(key);
    if (this.#slots[at] === key) return false;
    this.#slots[at] = key;
    return true;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Float64Array(old.length * 2).fill(-1);
    for (const key of old) if (key !== -1) this.#insert(key);
  }
}

function keyOf(digest: Digest): number {
  return Number.parseInt(digestHex(digest).slice(0, DIGITS), 16);
}
