import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Http2SecureServer, ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/**
 * What is open at a server, and which of it has a request that runs. Node's own list takes a connection that has never sent
 * anything for one that is about to.
 */
export class Connections {
  readonly #server: Server | Http2SecureServer;
  /** As the system has them: below TLS. */
  readonly #sockets = new Set<Socket>();
  /** As HTTP/1.1 has them: above TLS. */
  readonly #speaking = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #running = new Map<Socket, number>();
  #isClosing = false;

  constructor(server: Server | Http2SecureServer) {
    this.#server = server;
    const isSecure = 'setSecureContext' in server;
    server.on('connection', (socket: Socket) => {
      track(this.#sockets, socket);
      if (!isSecure) track(this.#speaking, socket);
    });
    server.on('secureConnection', (socket: TLSSocket) => {
      if (socket.alpnProtocol !== 'h2') track(this.#speaking, socket);
    });
    server.on('session', (session: ServerHttp2Session) => {
      track(this.#sessions, session);
      session.on('error', () => session.destroy());
    });
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      if (request.httpVersionMajor === 1) this.#watch(request.socket, response);
    });
  }

  /** Stops taking connections, closes those without a request, and cuts those that take longer than `timeout` milliseconds. */
  async close(timeout: number): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#isClosing = true;
    this.#server.close();
    for (const session of this.#sessions) session.close();
    for (const socket of this.#speaking) if (!this.#running.has(socket)) socket.destroy();
    for (const socket of this.#shakingHands()) socket.destroy();
    const cut = () => {
      for (const session of this.#sessions) session.destroy();
      for (const socket of this.#sockets) socket.destroy();
    };
    const timer = setTimeout(cut, timeout);
    try {
      await closed;
    } finally {
      clearTimeout(timer);
    }
  }

  #watch(socket: Socket, response: ServerResponse): void {
    this.#running.set(socket, (this.#running.get(socket) ?? 0) + 1);
    response.once('close', () => {
      const others = (this.#running.get(socket) ?? 1) - 1;
      if (others > 0) this.#running.set(socket, others);
      else this.#running.delete(socket);
      if (others === 0 && this.#isClosing) socket.destroySoon();
    });
  }

  /** Those of TLS that have not got as far as HTTP; nothing but the ports of the clients tells them from the others. */
  #shakingHands(): Socket[] {
    const sessions = [...this.#sessions].map(({ socket }) => socket);
    const ports = new Set([...this.#speaking, ...sessions].map(({ remotePort }) => remotePort));
    return [...this.#sockets].filter(({ remotePort }) => remotePort !== undefined && !ports.has(remotePort));
  }
}

function track<Item extends { once(event: 'close', listener: () => void): unknown }>(
  items: Set<Item>,
  item: Item,
): void {
  items.add(item);
  item.once('close', () => items.delete(item));
}
