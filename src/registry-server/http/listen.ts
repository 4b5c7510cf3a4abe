import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { HawserError, systemErrorCode } from '../../errors/hawser-error.ts';
import { portOwner } from './port-owner.ts';

/** Milliseconds. A request may take as long as its transfer does, but not stand still, and its headers come at once. */
const HEADERS_TIMEOUT = 10_000;
const IDLE_TIMEOUT = 300_000;
const KEEP_ALIVE_TIMEOUT = 75_000;
const CHECK_INTERVAL = 5000;

/** Bytes: names of 255, ten and more `tag=` parameters of 128 characters, and a bearer token. */
const MAX_HEADER_SIZE = 32 << 10;
/** Bytes of a body or an answer that may wait in memory for each connection. */
const HIGH_WATER_MARK = 256 << 10;

async function listenError(error: unknown, host: string | undefined, port: number): Promise<HawserError> {
  const address = `${host ?? ''}:${port}`;
  switch (systemErrorCode(error)) {
    case 'EADDRINUSE': {
      const owner = await portOwner(port);
      return new HawserError(
        'ADDRESS_IN_USE',
        `listen on ${address}: the port is taken${owner === undefined ? '' : ` by ${owner}`}`,
        { cause: error, remedy: 'Stop that process, or choose another port with --addr, e.g. --addr :5001.' },
      );
    }
    case 'EACCES':
      return new HawserError('PERMISSION_DENIED', `listen on ${address}: not permitted`, {
        cause: error,
        remedy: 'Ports below 1024 need root: choose another one with --addr.',
      });
    default:
      return new HawserError('INVALID_ARGUMENT', `listen on ${address}: ${systemErrorCode(error) ?? error}`, {
        cause: error,
        remedy: 'Use an address of this machine.',
      });
  }
}

/**
 * Starts an HTTP/1.1 server with the limits of a registry.
 *
 * @param host All addresses where left out.
 * @throws HawserError ADDRESS_IN_USE, PERMISSION_DENIED, INVALID_ARGUMENT
 */
export async function listen(
  listener: RequestListener,
  address: { readonly host?: string | undefined; readonly port: number },
): Promise<Server> {
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT,
      requestTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT,
      connectionsCheckingInterval: CHECK_INTERVAL,
      maxHeaderSize: MAX_HEADER_SIZE,
      highWaterMark: HIGH_WATER_MARK,
      noDelay: true,
    },
    listener,
  );
  server.timeout = IDLE_TIMEOUT;
  try {
    server.listen({ host: address.host, port: address.port });
    await once(server, 'listening');
  } catch (error) {
    throw await listenError(error, address.host, address.port);
  }
  return server;
}

/** Stops taking connections, lets running requests end, and cuts those that take longer than `timeout` milliseconds. */
export async function closeServer(server: Server, timeout: number): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), timeout);
  try {
    await closed;
  } finally {
    clearTimeout(timer);
  }
}
