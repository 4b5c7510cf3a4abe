import type { IncomingMessage } from 'node:http';
import { HawserError } from '../errors/hawser-error.ts';

/** Reads a small body. @throws HawserError SIZE_INVALID over `limit` bytes */
export async function readBody(answer: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) {
      answer.destroy();
      throw new HawserError('SIZE_INVALID', `the registry's answer is over the limit of ${limit} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** As much of an error's body as is worth showing; never fails. */
export async function readErrorBody(answer: IncomingMessage): Promise<string> {
  try {
    return (await readBody(answer, 64 << 10)).toString();
  } catch {
    // The status says enough where the body is too long or breaks off.
    return '';
  }
}

/** Reads a body to its end without keeping it, so that the connection can serve again. */
export function discardBody(answer: IncomingMessage): void {
  answer.on('error', () => undefined);
  answer.resume();
}
