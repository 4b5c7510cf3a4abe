import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** An HTTP server on loopback that notes what it was asked. */
export class WebServer {
  /** E.g. `GET /file`, with `authorized` behind where there was such a header. */
  readonly requests: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(handler: Handler): Promise<WebServer> {
    const server = createServer();
    const web = new WebServer(server);
    server.on('request', (request, response) => {
      const { authorization } = request.headers;
      const note = authorization === undefined ? '' : ` ${authorization}`;
      web.requests.push(`${request.method} ${request.url}${note}`);
      handler(request, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return web;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
