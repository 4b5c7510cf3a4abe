import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { HawserError, systemErrorCode } from '../../../errors/hawser-error.ts';

/** Milliseconds. */
const HEADERS_TIMEOUT = 10_000;
const KEEP_ALIVE_TIMEOUT = 75_000;

function listenError(error: unknown, address: string): HawserError {
  switch (systemErrorCode(error)) {
    case 'EADDRINUSE':
      return new HawserError('ADDRESS_IN_USE', `listen on ${address}: the port is taken`, {
        cause: error,
        remedy: 'Stop the process that has it, or choose another port with --port.',
      });
    case 'EACCES':
      return new HawserError('PERMISSION_DENIED', `listen on ${address}: not permitted`, {
        cause: error,
        remedy: 'Ports below 1024 need root: choose another one with --port.',
      });
    default:
      return new HawserError('INVALID_ARGUMENT', `listen on ${address}: ${systemErrorCode(error) ?? error}`, {
        cause: error,
        remedy: 'Use an address of this machine.',
      });
  }
}

/** @throws HawserError ADDRESS_IN_USE, PERMISSION_DENIED, INVALID_ARGUMENT */
export async function listen(
  listener: RequestListener,
  address: { readonly host: string; readonly port: number },
): Promise<Server> {
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT,
      requestTimeout: 60_000,
      noDelay: true,
    },
    listener,
  );
  try {
    server.listen({ host: address.host, port: address.port });
    await once(server, 'listening');
  } catch (error) {
    throw listenError(error, `${address.host}:${address.port}`);
  }
  return server;
}

/** Takes no more connections and ends those that are open. */
export async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  // Whoever still waits for an answer has this long.
  const timer = setTimeout(() => server.closeAllConnections(), 1000);
  try {
    await closed;
  } finally {
    clearTimeout(timer);
  }
}
