/** Bytes. Measured as the best of 64 KiB to 1 MiB for one download and for 32 at once. */
const LARGE = 512 << 10;
/** What a download gets when there are many: a thousand slow clients hold 64 MB. */
const SMALL = 64 << 10;
/** Large buffers that are lent and kept. */
const LARGE_LIMIT = 24;

/** Buffers that are used again, so that downloads make no garbage, and that get small when there are many readers. */
export class BufferPool {
  readonly #free: Buffer[] = [];
  #lent = 0;

  take(): Buffer {
    if (this.#lent >= LARGE_LIMIT) return Buffer.allocUnsafeSlow(SMALL);
    this.#lent++;
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(LARGE);
  }

  /** A second buffer for who has one; undefined when there are many readers. */
  takeSpare(): Buffer | undefined {
    return this.isCrowded ? undefined : this.take();
  }

  /** Whether second buffers should be given back. */
  get isCrowded(): boolean {
    return this.#lent >= LARGE_LIMIT / 2;
  }

  give(buffer: Buffer): void {
    if (buffer.length !== LARGE) return;
    this.#lent--;
    this.#free.push(buffer);
  }
}
