import type { FileHandle } from 'node:fs/promises';

/** Bytes that are written at once; less where there are many writers, so that slow clients hold little memory. */
const WRITE_SIZE = 1 << 20;
const SMALLEST_WRITE = 64 << 10;
const ALL_WRITERS = 24 << 20;
/** Pieces that are written at once: a client that sends single bytes holds no thousands of objects. */
const PIECES = 256;
/** Milliseconds after which what waits is written anyway, where nothing more comes. */
const IDLE_TIME = 200;

async function writeAll(handle: FileHandle, pieces: readonly Uint8Array[], position: number): Promise<void> {
  const total = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const { bytesWritten } = await handle.writev(pieces, position);
  if (bytesWritten === total) return;
  // A short write: the rest in one piece, so that a full disk shows its errno.
  const rest = Buffer.concat(pieces).subarray(bytesWritten);
  for (let written = 0; written < rest.length; ) {
    const result = await handle.write(
      rest,
      written,
      rest.length - written,
      position + bytesWritten + written,
    );
    written += result.bytesWritten;
  }
}

const writers = new Set<BehindWriter>();
let idleTimer: NodeJS.Timeout | undefined;

function writeSize(): number {
  return Math.max(SMALLEST_WRITE, Math.min(WRITE_SIZE, ALL_WRITERS / writers.size));
}

/** Writes pieces to a file, from a position on, while the next ones come. */
class BehindWriter {
  readonly #handle: FileHandle;
  #end: number;
  #pieces: Uint8Array[] = [];
  #size = 0;
  #isIdle = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(handle: FileHandle, position: number) {
    this.#handle = handle;
    this.#end = position;
    writers.add(this);
    idleTimer ??= setInterval(() => {
      for (const writer of writers) writer.#flushIdle();
    }, IDLE_TIME).unref();
  }

  /** Takes a piece; waits while there is too much on its way to the file. */
  async add(piece: Uint8Array): Promise<void> {
    this.#isIdle = false;
    this.#pieces.push(piece);
    this.#size += piece.length;
    if (this.#size < writeSize() && this.#pieces.length < PIECES) return;
    const before = this.#writing;
    this.#flush();
    await before;
  }

  /** Writes what is left. @returns the position behind it */
  async close(): Promise<number> {
    writers.delete(this);
    if (writers.size === 0) {
      clearInterval(idleTimer);
      idleTimer = undefined;
    }
    this.#flush();
    await this.#writing;
    return this.#end;
  }

  #flush(): void {
    if (this.#size === 0) return;
    const pieces = this.#pieces;
    const position = this.#end;
    this.#end += this.#size;
    this.#pieces = [];
    this.#size = 0;
    const before = this.#writing;
    this.#writing = before.then(() => writeAll(this.#handle, pieces, position));
    this.#writing.catch(() => undefined); // met by who waits for the next write, or at the end
  }

  #flushIdle(): void {
    if (this.#isIdle) this.#flush();
    this.#isIdle = true;
  }
}

/**
 * Writes what `source` yields from `position` on, in large pieces, while the next piece is taken from it. What it yielded
 * before it failed is written too.
 *
 * @returns the position behind the last byte
 */
export async function writeBehind(
  handle: FileHandle,
  source: AsyncIterable<Uint8Array>,
  position: number,
): Promise<number> {
  const writer = new BehindWriter(handle, position);
  let end = position;
  try {
    for await (const chunk of source) await writer.add(chunk);
  } finally {
    end = await writer.close();
  }
  return end;
}
