import { addAbortSignal } from 'node:stream';
import { throwIfAborted } from '../util/abort.ts';

/** What comes on stdin, until Ctrl-C. @throws HawserError ABORTED */
export async function* stdinBytes(signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* addAbortSignal(signal, process.stdin) as AsyncIterable<Buffer>;
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  }
}

/** All of it. @throws HawserError ABORTED */
export async function readStdin(signal: AbortSignal): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stdinBytes(signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
