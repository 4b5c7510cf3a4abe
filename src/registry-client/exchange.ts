import { once } from 'node:events';
import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { HawserError, messageOf, systemErrorCode } from '../errors/hawser-error.ts';
import { throwIfAborted } from '../util/abort.ts';
import { proxyFor, requestByProxy, TunnelAgent } from '../util/http-proxy.ts';
import { hawserVersion } from '../util/version.ts';
import { type Certificates, certificatesFor } from './certificates.ts';

export type RequestBody = Uint8Array | AsyncIterable<Uint8Array>;

export interface ExchangeRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Milliseconds without a byte after which a connection counts as dead. */
const idleTimeout = 60_000;

export interface ExchangerOptions {
  /** Whether the certificate of a host is not looked at; default: all are. */
  readonly isInsecure?: (host: string, certificates: Certificates) => Promise<boolean>;
  /** For the proxy variables. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const sockets = { keepAlive: true, maxSockets: 16 };

/** One HTTP request and its answer; no redirects, no credentials of its own, no retries. */
export class Exchanger {
  readonly #http = new HttpAgent(sockets);
  /** For proxies that are spoken to by TLS. */
  readonly #proxies = new HttpsAgent(sockets);
  readonly #https = new Map<string, Promise<HttpsAgent>>();
  readonly #isInsecure: NonNullable<ExchangerOptions['isInsecure']>;
  readonly #env: Readonly<Record<string, string | undefined>>;

  constructor(options: ExchangerOptions = {}) {
    this.#isInsecure = options.isInsecure ?? (async () => false);
    this.#env = options.env ?? process.env;
  }

  async #makeAgent(url: URL, proxy: URL | undefined): Promise<HttpsAgent> {
    const certificates = await certificatesFor(url.host);
    const isInsecure = await this.#isInsecure(url.host, certificates);
    const options = { ...sockets, ...certificates, ...(isInsecure ? { rejectUnauthorized: false } : {}) };
    return proxy === undefined ? new HttpsAgent(options) : new TunnelAgent(proxy, options);
  }

  async #start(request: ExchangeRequest, headers: Record<string, string>): Promise<ClientRequest> {
    const { url, method, signal } = request;
    const proxy = proxyFor(url, this.#env);
    if (url.protocol === 'http:') {
      if (proxy === undefined) return httpRequest(url, { method, headers, agent: this.#http, signal });
      const agent = proxy.protocol === 'https:' ? this.#proxies : this.#http;
      return requestByProxy(url, proxy, { method, headers, agent, signal });
    }
    const agent = this.#https.get(url.host) ?? this.#makeAgent(url, proxy);
    this.#https.set(url.host, agent);
    return httpsRequest(url, { method, headers, agent: await agent, signal });
  }

  /**
   * The answer, as soon as its header is there. An error of the connection is told as REGISTRY_UNREACHABLE.
   *
   * @throws HawserError REGISTRY_UNREACHABLE, ABORTED, and whatever the body throws
   */
  async send(request: ExchangeRequest): Promise<IncomingMessage> {
    throwIfAborted(request.signal);
    const headers: Record<string, string> = { 'user-agent': `hawser/${hawserVersion}`, ...request.headers };
    if (request.body instanceof Uint8Array) headers['content-length'] = String(request.body.length);
    else if (request.body === undefined && !/^(GET|HEAD)$/.test(request.method))
      headers['content-length'] = '0';
    const outgoing = await this.#start(request, headers);
    outgoing.setTimeout(idleTimeout, () =>
      outgoing.destroy(new Error(`no byte for ${idleTimeout / 1000} s`)),
    );
    const answer = once(outgoing, 'response').then(([message]) => message as IncomingMessage);
    let source: unknown;
    const sent = sendBody(outgoing, request.body).catch((error: unknown) => {
      source = error;
    });
    try {
      return await answer;
    } catch (error) {
      await sent;
      // The body's own failure (a broken blob, a cancelled compression) is the cause, not the connection that it ended.
      if (source instanceof HawserError) throw source;
      throw connectionError(request, error);
    }
  }

  close(): void {
    this.#http.destroy();
    this.#proxies.destroy();
    for (const agent of this.#https.values()) {
      // an agent that could not be made has told so to its request
      agent.then(made => made.destroy()).catch(() => undefined);
    }
  }
}

async function sendBody(outgoing: ClientRequest, body: RequestBody | undefined): Promise<void> {
  if (body === undefined || body instanceof Uint8Array) {
    outgoing.end(body);
    return;
  }
  await pipeline(Readable.from(body, { objectMode: true, highWaterMark: 4 }), outgoing);
}

const remedies: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nothing listens there: check host and port, or start the registry.',
  ENOTFOUND: 'The host name is not known: check its spelling and DNS.',
  EAI_AGAIN: 'The host name cannot be looked up now: check the network.',
  ETIMEDOUT: 'No answer: check the network and firewalls.',
  EPROTO: 'The server does not speak TLS there: a registry without https needs --plain-http.',
  ERR_SSL_WRONG_VERSION_NUMBER:
    'The server does not speak TLS there: a registry without https needs --plain-http.',
};

/** A REGISTRY_UNREACHABLE that says which host and what to do. */
export function connectionError(
  request: Pick<ExchangeRequest, 'method' | 'url' | 'signal'>,
  error: unknown,
): HawserError {
  if (request.signal?.aborted === true)
    return new HawserError('ABORTED', 'the operation was cancelled', { cause: error });
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const code = systemErrorCode(first) ?? '';
  const certificate = /CERT|SELF_SIGNED|UNABLE_TO/.test(code);
  const { protocol, host } = request.url;
  return new HawserError(
    'REGISTRY_UNREACHABLE',
    `cannot reach ${protocol}//${host}: ${messageOf(first) || code}`,
    {
      cause: error,
      remedy: certificate
        ? `Its certificate is not trusted: put the CA into /etc/docker/certs.d/${host}/ca.crt.`
        : remedies[code],
    },
  );
}
