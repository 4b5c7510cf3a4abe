import { messageOf } from '../../errors/hawser-error.ts';
import { type ApiServerParts, answer } from './answer.ts';
import { createApp } from './http/app.ts';
import { closeServer, listen } from './http/listen.ts';

export interface ApiServerOptions {
  readonly context: ApiServerParts['context'];
  readonly logs: ApiServerParts['logs'];
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly log: (message: string) => void;
}

export interface ApiServer {
  /** e.g. `http://127.0.0.1:8080` */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** @throws HawserError ADDRESS_IN_USE, PERMISSION_DENIED, INVALID_ARGUMENT */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { context, logs, host, log } = options;
  const onFailure = (error: unknown) => log(`api: ${messageOf(error)}`);
  const closing = new AbortController();
  const app = createApp({
    answer: request => answer({ context, logs, onFailure }, request),
    closing: closing.signal,
    log,
  });
  const server = await listen(app, { host, port: options.port });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    close() {
      closing.abort();
      return closeServer(server);
    },
  };
}
