import { once } from 'node:events';
import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import { HawserError, messageOf, systemErrorCode } from '../../errors/hawser-error.ts';
import { throwIfAborted } from '../../util/abort.ts';
import { proxyFor, requestByProxy, TunnelAgent } from '../../util/http-proxy.ts';
import { hawserVersion } from '../../util/version.ts';
import { redactUrl } from './redact-url.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** Milliseconds without a byte after which a connection counts as dead. */
const idleTimeout = 60_000;
const redirectLimit = 10;

/**
 * Asks for a URL and follows redirects. `Authorization` does not go to another host. The body is to be read to its end, or
 * destroyed.
 *
 * @throws HawserError DOWNLOAD_FAILED, ABORTED
 */
export async function requestUrl(start: URL, request: HttpRequest): Promise<IncomingMessage> {
  let url = start;
  let headers: Readonly<Record<string, string>> = { ...request.headers, ...credentialsOf(start) };
  for (let hops = 0; ; hops++) {
    const answer = await send(url, { ...request, headers });
    const { location } = answer.headers;
    const status = answer.statusCode ?? 0;
    if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return answer;
    answer.destroy();
    if (hops === redirectLimit) throw failure(start, `it redirects more than ${redirectLimit} times`);
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
    if (next === undefined || !/^https?:$/.test(next.protocol)) {
      throw failure(start, `it redirects to ${JSON.stringify(location.slice(0, 200))}`);
    }
    if (next.host !== url.host) {
      headers = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'authorization'));
    }
    url = next;
  }
}

/** `https://user:password@host/` */
function credentialsOf({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** Starts it, by way of the proxy that the environment names. */
function startRequest(url: URL, options: RequestOptions): ClientRequest {
  const proxy = proxyFor(url, process.env);
  if (url.protocol === 'https:') {
    return httpsRequest(url, proxy === undefined ? options : { ...options, agent: new TunnelAgent(proxy) });
  }
  return proxy === undefined ? httpRequest(url, options) : requestByProxy(url, proxy, options);
}

async function send(url: URL, request: HttpRequest): Promise<IncomingMessage> {
  throwIfAborted(request.signal);
  const headers = { 'user-agent': `hawser/${hawserVersion}`, ...request.headers };
  const { method, signal } = request;
  const outgoing = startRequest(url, { method, headers, signal });
  outgoing.setTimeout(idleTimeout, () => outgoing.destroy(new Error(`no byte for ${idleTimeout / 1000} s`)));
  outgoing.end();
  try {
    const [answer] = await once(outgoing, 'response');
    return answer as IncomingMessage;
  } catch (error) {
    throw connectionError(url, error, signal);
  }
}

/** What went wrong with a connection, before or in its answer. */
export function connectionError(url: URL, error: unknown, signal?: AbortSignal): HawserError {
  if (signal?.aborted === true)
    return new HawserError('ABORTED', 'the operation was cancelled', { cause: error });
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  return failure(url, messageOf(first) || (systemErrorCode(first) ?? 'the connection broke'), error);
}

export function failure(url: URL, why: string, cause?: unknown): HawserError {
  return new HawserError('DOWNLOAD_FAILED', `cannot fetch ${redactUrl(url.href)}: ${why}`, { cause });
}
