import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A proxy on loopback before a registry that lets blobs through slowly, so that a transfer can be interrupted in its
 * middle: each chunk of a blob's body waits.
 */
export class SlowRegistry {
  readonly #server: Server;
  #slow = true;
  #moved: () => void = () => undefined;
  /** Resolves when the first bytes of a blob are under way. */
  readonly transferring = new Promise<void>(resolve => {
    this.#moved = resolve;
  });

  private constructor(target: number) {
    this.#server = createServer((incoming, outgoing) => {
      const { method, url: path, headers } = incoming;
      const onward = request({ host: '127.0.0.1', port: target, method, path, headers }, answer => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        this.#pump(answer, outgoing, /\/blobs\/sha256:/.test(path ?? ''));
      });
      onward.on('error', () => outgoing.destroy());
      this.#pump(incoming, onward, /\/blobs\/uploads\//.test(path ?? ''));
    });
  }

  static async start(target: number): Promise<SlowRegistry> {
    const proxy = new SlowRegistry(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  #pump(from: NodeJS.ReadableStream, to: NodeJS.WritableStream, isBlob: boolean): void {
    from.on('error', () => to.end());
    if (!isBlob || !this.#slow) {
      from.pipe(to);
      return;
    }
    from.on('data', (chunk: Buffer) => {
      this.#moved();
      from.pause();
      to.write(chunk.subarray(0, 1000));
      setTimeout(
        () => {
          to.write(chunk.subarray(1000));
          from.resume();
        },
        this.#slow ? 2000 : 0,
      );
    });
    from.on('end', () => setTimeout(() => to.end(), this.#slow ? 2000 : 0));
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What comes from now on passes at once. */
  hurry(): void {
    this.#slow = false;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
