import type { RegistryResponse } from '../registry-message.ts';

/** What responses of HTTP/1.1 and of HTTP/2 have in common. */
export interface ResponseTarget {
  readonly statusCode: number;
  setHeader(name: string, value: string | number | string[]): unknown;
  writeHead(status: number): unknown;
  /** HTTP/1.1 only. */
  flushHeaders?(): unknown;
  write(chunk: Uint8Array, done?: (error?: Error | null) => void): boolean;
  end(): unknown;
  end(chunk: Uint8Array): unknown;
  once(event: 'close', listener: () => void): unknown;
  destroy(error?: Error): unknown;
}

/**
 * Writes chunks one by one: each is waited for until the system has taken it, so that its memory can be used again. One
 * listener serves the whole response.
 */
class ChunkWriter {
  readonly #target: ResponseTarget;
  #fail: ((error: Error) => void) | undefined;

  constructor(target: ResponseTarget) {
    this.#target = target;
    target.once('close', () => this.#fail?.(new Error('the client closed the connection')));
  }

  async write(chunk: Uint8Array): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#fail = reject;
      this.#target.write(chunk, error => {
        this.#fail = undefined;
        if (error === undefined || error === null) resolve();
        else reject(error);
      });
    });
  }
}

async function sendStream(
  target: ResponseTarget,
  response: RegistryResponse,
  body: AsyncIterable<Uint8Array>,
): Promise<number> {
  const chunks = body[Symbol.asyncIterator]();
  const writer = new ChunkWriter(target);
  let size = 0;
  try {
    // The first chunk comes before the headers: what cannot be opened is an error answer, not a broken body.
    let next = await chunks.next();
    writeHead(target, response);
    while (next.done !== true) {
      await writer.write(next.value);
      size += next.value.length;
      next = await chunks.next();
    }
  } finally {
    await chunks.return?.();
  }
  return size;
}

function sendHead(target: ResponseTarget, response: RegistryResponse, length: number): void {
  // Handlers of HEAD say the length of what they do not send.
  if (
    response.headers['Content-Length'] === undefined &&
    response.status !== 204 &&
    response.status !== 304
  ) {
    target.setHeader('Content-Length', length);
  }
  writeHead(target, response);
}

function writeHead(target: ResponseTarget, response: RegistryResponse): void {
  for (const [name, value] of Object.entries(response.headers)) {
    target.setHeader(name, typeof value === 'string' ? value : [...value]);
  }
  target.writeHead(response.status);
}

/**
 * Sends an answer as the client takes it: a slow client holds one chunk.
 *
 * @param beforeEnd What the end of a response over HTTP/1.1 waits for: all of the answer is on its way by then.
 * @returns the bytes of the body
 */
export async function sendResponse(
  target: ResponseTarget,
  response: RegistryResponse,
  beforeEnd?: () => Promise<void>,
): Promise<number> {
  const { body } = response;
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    sendHead(target, response, bytes?.length ?? 0);
    if (beforeEnd !== undefined) {
      if (bytes === undefined) target.flushHeaders?.();
      else target.write(bytes);
      await beforeEnd();
      target.end();
    } else if (bytes === undefined) target.end();
    else target.end(bytes);
    return bytes?.length ?? 0;
  }
  const size = await sendStream(target, response, body);
  await beforeEnd?.();
  target.end();
  return size;
}
