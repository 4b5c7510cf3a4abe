/** Buffers of one size that are used again, so that many downloads at once make no garbage. */
export class BufferPool {
  readonly size: number;
  readonly #limit: number;
  readonly #free: Buffer[] = [];

  /** @param limit How many free buffers are kept. */
  constructor(size: number, limit: number) {
    this.size = size;
    this.#limit = limit;
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.size);
  }

  give(buffer: Buffer): void {
    if (this.#free.length < this.#limit) this.#free.push(buffer);
  }
}
