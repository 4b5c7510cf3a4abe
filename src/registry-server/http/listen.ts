import { once } from 'node:events';
import { unlink } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import { createServer as createHTTPSServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { HawserError, isHawserError, messageOf, systemErrorCode } from '../../errors/hawser-error.ts';
import type { AppListener } from './app.ts';
import { Connections } from './connections.ts';
import { portOwner } from './port-owner.ts';
import { clientOptions, readTLSFiles, type TLSSettings, tlsFilesVersion } from './tls-files.ts';

/** Milliseconds. A request may take as long as its transfer does, but not stand still, and its headers come at once. */
export interface HTTPLimits {
  readonly headersTimeout: number;
  readonly idleTimeout: number;
}

export const defaultHTTPLimits: HTTPLimits = { headersTimeout: 10_000, idleTimeout: 300_000 };

const KEEP_ALIVE_TIMEOUT = 75_000;
const CHECK_INTERVAL = 5000;
const CERTIFICATE_CHECK_INTERVAL = 60_000;

/** Bytes: names of 255, ten and more `tag=` parameters of 128 characters, and a bearer token. */
const MAX_HEADER_SIZE = 32 << 10;
/** Bytes of a body or an answer that may wait in memory for each connection. */
const HIGH_WATER_MARK = 64 << 10;
/** Requests at once on one connection, and bytes of each that may be on their way, for HTTP/2. */
const MAX_STREAMS = 100;
const STREAM_WINDOW = 1 << 20;

export interface ListenAddress {
  /** All addresses where left out. */
  readonly host?: string | undefined;
  readonly port: number;
  /** A Unix socket instead. */
  readonly path?: string | undefined;
}

export interface ListenOptions {
  readonly address: ListenAddress;
  readonly limits?: Partial<HTTPLimits> | undefined;
  readonly tls?: TLSSettings | undefined;
  /** Whether HTTP/2 is spoken where there is TLS; default true. */
  readonly http2?: boolean;
}

/** A server that listens. */
export interface Listening {
  readonly server: Server | Http2SecureServer;
  /** Stops taking connections, lets running requests end, and cuts those that take longer than `timeout` milliseconds. */
  close(timeout: number): Promise<void>;
}

async function listenError(error: unknown, { host, port, path }: ListenAddress): Promise<HawserError> {
  const address = path ?? `${host ?? ''}:${port}`;
  switch (systemErrorCode(error)) {
    case 'EADDRINUSE': {
      const owner = path === undefined ? await portOwner(port) : undefined;
      return new HawserError(
        'ADDRESS_IN_USE',
        `listen on ${address}: ${path === undefined ? 'the port' : 'the socket'} is taken${owner === undefined ? '' : ` by ${owner}`}`,
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

function baseOptions(limits: HTTPLimits) {
  return {
    headersTimeout: limits.headersTimeout,
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT,
    connectionsCheckingInterval: Math.min(CHECK_INTERVAL, limits.headersTimeout),
    maxHeaderSize: MAX_HEADER_SIZE,
    highWaterMark: HIGH_WATER_MARK,
    noDelay: true,
  };
}

/** A client that gives a certificate must give a good one, even where it need not give any. */
function refuseBadCertificate(socket: TLSSocket): void {
  const given = Object.keys(socket.getPeerCertificate() ?? {}).length > 0;
  if (given && !socket.authorized) socket.destroy();
}

/** Takes renewed certificates over without a restart. */
function watchCertificate(server: Http2SecureServer, tls: TLSSettings): void {
  let known: string | undefined;
  const check = async () => {
    try {
      const version = await tlsFilesVersion(tls);
      if (known !== undefined && known !== version) server.setSecureContext(await readTLSFiles(tls));
      known = version;
    } catch (error) {
      // In the middle of a renewal, the files do not fit: the old ones serve until the next look.
      if (systemErrorCode(error) === undefined && !isHawserError(error)) throw error;
    }
  };
  void check();
  const timer = setInterval(() => void check(), CERTIFICATE_CHECK_INTERVAL).unref();
  server.once('close', () => clearInterval(timer));
}

async function createTLSServer(listener: AppListener, options: ListenOptions, tls: TLSSettings) {
  const limits = { ...defaultHTTPLimits, ...options.limits };
  const all = { ...baseOptions(limits), ...(await readTLSFiles(tls)), ...clientOptions(tls) };
  const server =
    options.http2 === false
      ? createHTTPSServer(all, listener)
      : createSecureServer(
          {
            ...all,
            allowHTTP1: true,
            settings: { maxConcurrentStreams: MAX_STREAMS, initialWindowSize: STREAM_WINDOW },
          },
          listener,
        );
  Object.assign(server, { requestTimeout: 0, headersTimeout: limits.headersTimeout });
  if (tls.clients === 'given') server.on('secureConnection', refuseBadCertificate);
  watchCertificate(server as Http2SecureServer, tls);
  return server;
}

async function removeStaleSocket(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return;
    throw new HawserError('INVALID_ARGUMENT', `listen on ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * Starts a server with the limits of a registry: HTTP/1.1, and HTTP/2 over TLS.
 *
 * @throws HawserError ADDRESS_IN_USE, PERMISSION_DENIED, INVALID_ARGUMENT, REGISTRY_CONFIG_INVALID
 */
export async function listen(listener: AppListener, options: ListenOptions): Promise<Listening> {
  const { address, tls } = options;
  const limits = { ...defaultHTTPLimits, ...options.limits };
  const server =
    tls === undefined
      ? createServer(baseOptions(limits), listener)
      : await createTLSServer(listener, options, tls);
  server.setTimeout(limits.idleTimeout);
  const connections = new Connections(server);
  try {
    if (address.path === undefined) server.listen({ host: address.host, port: address.port });
    else {
      await removeStaleSocket(address.path);
      server.listen({ path: address.path });
    }
    await once(server, 'listening');
  } catch (error) {
    if (isHawserError(error)) throw error;
    throw await listenError(error, address);
  }
  return { server, close: timeout => connections.close(timeout) };
}
