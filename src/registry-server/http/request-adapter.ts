import type { IncomingMessage } from 'node:http';
import type { RegistryRequest } from '../registry-message.ts';

/** What a Host or X-Forwarded-Host may look like; anything else must not get into a Location. */
const hostPattern = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

function firstOf(value: string | readonly string[] | undefined): string | undefined {
  const text = typeof value === 'string' ? value : value?.[0];
  return text?.split(',')[0]?.trim();
}

/** The scheme and host that the client used, as far as a proxy in between tells. */
function originOf(headers: IncomingMessage['headers']): string | undefined {
  const host = firstOf(headers['x-forwarded-host']) ?? headers.host;
  if (host === undefined || !hostPattern.test(host)) return undefined;
  const scheme = firstOf(headers['x-forwarded-proto'])?.toLowerCase() === 'https' ? 'https' : 'http';
  return `${scheme}://${host}`;
}

/** Reads the body without closing the connection when the reader has had enough: the answer must still go out. */
async function* bodyOf(request: IncomingMessage): AsyncGenerator<Uint8Array> {
  yield* request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
}

export function adaptRequest(request: IncomingMessage, signal: AbortSignal): RegistryRequest {
  return {
    method: request.method ?? 'GET',
    url: request.url ?? '/',
    header(name) {
      const value = request.headers[name];
      return typeof value === 'object' ? value.join(', ') : value;
    },
    body: bodyOf(request),
    origin: originOf(request.headers),
    signal,
  };
}
