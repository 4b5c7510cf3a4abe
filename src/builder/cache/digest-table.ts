const keySize = 16;
const digestSize = 32;
const recordSize = keySize + digestSize;
const magic = Buffer.from('HWMEMO1\n');

/**
 * Digests by key in two flat buffers: 48 bytes an entry and 8 of an index, so that a context of a million files takes 60 MB
 * and no objects. Keys are 16 bytes of a hash, of which 4 choose the place in the index; open addressing.
 */
export class DigestTable {
  #records: Buffer;
  #count: number;
  /** Number of the record + 1; 0 where there is none. At most half of it is used. */
  #index: Uint32Array;
  /** Whether a record was asked for or added. */
  #met: Uint8Array;

  /** @param bytes What `toBytes` gave; anything else counts as nothing. */
  constructor(bytes: Buffer = Buffer.alloc(0)) {
    const body = bytes.subarray(magic.length);
    const isSound = bytes.subarray(0, magic.length).equals(magic) && body.length % recordSize === 0;
    this.#records = isSound ? body : Buffer.alloc(0);
    this.#count = this.#records.length / recordSize;
    this.#met = new Uint8Array(this.#count);
    this.#index = new Uint32Array(0);
    this.#reindex();
  }

  get size(): number {
    return this.#count;
  }

  /** SHA-256 in hex; undefined where the key is not known. */
  get(key: Buffer): string | undefined {
    const slot = this.#slotOf(key);
    const number = this.#index[slot];
    if (number === undefined || number === 0) return undefined;
    this.#met[number - 1] = 1;
    const start = (number - 1) * recordSize + keySize;
    return this.#records.toString('hex', start, start + digestSize);
  }

  /** Adds a key that `get` does not know. */
  add(key: Buffer, hex: string): void {
    if (this.#count * recordSize === this.#records.length) this.#grow();
    const start = this.#count * recordSize;
    key.copy(this.#records, start, 0, keySize);
    this.#records.write(hex, start + keySize, 'hex');
    this.#met[this.#count] = 1;
    this.#count++;
    if (this.#count * 2 > this.#index.length) this.#reindex();
    else this.#index[this.#slotOf(key)] = this.#count;
  }

  /** For a file. What nobody has asked for goes, once it is more than the rest. */
  toBytes(): Buffer {
    const met = this.#met.subarray(0, this.#count).reduce((sum, is) => sum + is, 0);
    const keepsAll = this.#count - met <= met + 1000;
    const kept = keepsAll ? this.#count : met;
    const bytes = Buffer.allocUnsafe(magic.length + kept * recordSize);
    let end = magic.copy(bytes);
    for (let number = 0; number < this.#count; number++) {
      if (!keepsAll && this.#met[number] === 0) continue;
      end += this.#records.copy(bytes, end, number * recordSize, (number + 1) * recordSize);
    }
    return bytes;
  }

  #grow(): void {
    const room = Math.max(256, this.#count * 2);
    this.#records = Buffer.concat([this.#records], room * recordSize);
    const met = new Uint8Array(room);
    met.set(this.#met);
    this.#met = met;
  }

  #reindex(): void {
    let size = 512;
    while (size < this.#count * 3) size *= 2;
    this.#index = new Uint32Array(size);
    for (let number = 0; number < this.#count; number++) {
      const start = number * recordSize;
      this.#index[this.#slotOf(this.#records.subarray(start, start + keySize))] = number + 1;
    }
  }

  /** Where the key stands in the index, or would. */
  #slotOf(key: Buffer): number {
    const mask = this.#index.length - 1;
    for (let slot = key.readUInt32LE(0) & mask; ; slot = (slot + 1) & mask) {
      const number = this.#index[slot] as number;
      if (number === 0) return slot;
      const start = (number - 1) * recordSize;
      if (this.#records.compare(key, 0, keySize, start, start + keySize) === 0) return slot;
    }
  }
}
