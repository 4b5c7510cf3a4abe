import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { RegistryRequest } from '../registry-message.ts';
import { type Forwarded, parseForwarded } from './forwarded.ts';

export type AnyRequest = IncomingMessage | Http2ServerRequest;

/** What a Host or X-Forwarded-Host may look like; anything else must not get into a Location. */
const hostPattern = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;
const addressPattern = /^[0-9A-Za-z.:[\]_-]{1,100}$/;

function firstOf(value: string | readonly string[] | undefined): string | undefined {
  const text = typeof value === 'string' ? value : value?.[0];
  return text?.split(',')[0]?.trim();
}

/** What proxies in between say of the client, `X-Forwarded-*` before `Forwarded`, as registry:2 takes it. */
function forwardedBy(headers: IncomingHttpHeaders): Forwarded {
  const own = parseForwarded(firstForwarded(headers.forwarded));
  const proto = firstOf(headers['x-forwarded-proto']) ?? own.proto;
  const host = firstOf(headers['x-forwarded-host']) ?? own.host;
  const client = firstOf(headers['x-forwarded-for']) ?? firstOf(headers['x-real-ip']) ?? own.for;
  return {
    ...(proto === undefined ? {} : { proto }),
    ...(host === undefined ? {} : { host }),
    ...(client === undefined ? {} : { for: client }),
  };
}

function firstForwarded(value: string | readonly string[] | undefined): string {
  return (typeof value === 'string' ? value : value?.[0]) ?? '';
}

/** The scheme and host that the client used, as far as a proxy in between tells. */
function originOf(request: AnyRequest, forwarded: Forwarded): string | undefined {
  const authority = request.headers[':authority'];
  const host = forwarded.host ?? (typeof authority === 'string' ? authority : request.headers.host);
  if (host === undefined || !hostPattern.test(host)) return undefined;
  const isSecure = 'encrypted' in request.socket && request.socket.encrypted === true;
  const proto = forwarded.proto?.toLowerCase() ?? (isSecure ? 'https' : 'http');
  return `${proto === 'https' ? 'https' : 'http'}://${host}`;
}

/** Reads the body without closing the connection when the reader has had enough: the answer must still go out. */
async function* bodyOf(request: AnyRequest): AsyncGenerator<Uint8Array> {
  yield* request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
}

export function adaptRequest(request: AnyRequest, signal: AbortSignal): RegistryRequest {
  const forwarded = forwardedBy(request.headers);
  const { for: client } = forwarded;
  const isAddress = client !== undefined && addressPattern.test(client);
  return {
    id: randomUUID(),
    method: request.method ?? 'GET',
    url: request.url ?? '/',
    header(name) {
      const value = request.headers[name];
      return typeof value === 'object' ? value.join(', ') : value;
    },
    body: bodyOf(request),
    origin: originOf(request, forwarded),
    remote: isAddress ? client : (request.socket.remoteAddress ?? ''),
    signal,
  };
}
