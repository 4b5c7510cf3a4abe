import type { FileHandle } from 'node:fs/promises';

const WRITE_SIZE = 1024 * 1024;

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

/**
 * Writes what `source` yields from `position` on, in pieces of about 1 MiB, while the next piece is taken from it. What
 * it yielded before it failed is written too.
 *
 * @returns the position behind the last byte
 */
export async function writeBehind(
  handle: FileHandle,
  source: AsyncIterable<Uint8Array>,
  position: number,
): Promise<number> {
  let pending: Uint8Array[] = [];
  let pendingSize = 0;
  let end = position;
  let writing: Promise<unknown> = Promise.resolve();
  const flush = async () => {
    await writing;
    writing = writeAll(handle, pending, end);
    writing.catch(() => undefined); // met by the next `await writing`
    end += pendingSize;
    pending = [];
    pendingSize = 0;
  };
  try {
    for await (const chunk of source) {
      pending.push(chunk);
      pendingSize += chunk.length;
      if (pendingSize >= WRITE_SIZE) await flush();
    }
  } finally {
    if (pendingSize > 0) await flush();
    await writing;
  }
  return end;
}
