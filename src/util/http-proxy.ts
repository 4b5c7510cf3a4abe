import { type ClientRequest, request as httpRequest, type RequestOptions } from 'node:http';
import { type AgentOptions, Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { BlockList, isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTLS } from 'node:tls';

type Environment = Readonly<Record<string, string | undefined>>;

function variable(env: Environment, name: string): string {
  return env[name.toLowerCase()] || env[name] || '';
}

function portOf(url: URL): string {
  return url.port || (url.protocol === 'https:' ? '443' : '80');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function isInSubnet(host: string, range: string): boolean {
  const [address = '', bits = ''] = range.split('/');
  const family = isIP(address);
  if (family === 0 || isIP(host) !== family || !/^\d{1,3}$/.test(bits)) return false;
  const list = new BlockList();
  list.addSubnet(address, Math.min(Number(bits), family === 6 ? 128 : 32), family === 6 ? 'ipv6' : 'ipv4');
  return list.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

/** One entry of NO_PROXY, as Go's httpproxy reads it: `*`, a domain with all below, `.domain`, an address, CIDR; `:port`. */
function isExempt(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return isInSubnet(host, entry);
  const [, name = entry, wantedPort] = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry) ?? [];
  if (wantedPort !== undefined && wantedPort !== port) return false;
  const domain = name.replace(/^\[|\]$/g, '').replace(/^\*/, '');
  if (domain.startsWith('.')) return host.endsWith(domain);
  return host === domain || (isIP(host) === 0 && host.endsWith(`.${domain}`));
}

/**
 * The proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY (also in lower case) name for a URL; undefined for none. Loopback is
 * never asked by way of a proxy, as with curl, docker and Go.
 */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  const text = variable(env, url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY');
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (text === '' || isLoopback(host)) return undefined;
  const entries = variable(env, 'NO_PROXY').split(/[\s,]+/);
  if (entries.some(entry => entry !== '' && isExempt(entry.toLowerCase(), host, portOf(url))))
    return undefined;
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(full)) return undefined;
  const proxy = new URL(full);
  return /^https?:$/.test(proxy.protocol) ? proxy : undefined;
}

function credentialsFor({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** Connections of TLS through a proxy's CONNECT: RFC 9110 section 9.3.6. */
export class TunnelAgent extends HttpsAgent {
  readonly #proxy: URL;

  constructor(proxy: URL, options: AgentOptions = {}) {
    super(options);
    this.#proxy = proxy;
  }

  override createConnection(
    options: AgentOptions & { readonly host?: string; readonly port?: number | string },
    done: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const { host = '', port = 443 } = options;
    const fail = (error: Error) => done(error, undefined as unknown as Duplex);
    const target = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
    const start = this.#proxy.protocol === 'https:' ? httpsRequest : httpRequest;
    const asking = start({
      host: this.#proxy.hostname.replace(/^\[|\]$/g, ''),
      port: portOf(this.#proxy),
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...credentialsFor(this.#proxy) },
      agent: false,
      timeout: 30_000,
    });
    asking.once('timeout', () => asking.destroy(new Error('no answer in 30 s')));
    asking.once('error', error =>
      fail(new Error(`proxy ${this.#proxy.host}: ${error.message}`, { cause: error })),
    );
    asking.once('response', ({ statusCode }) => {
      asking.destroy();
      fail(new Error(`proxy ${this.#proxy.host} answers ${statusCode} for ${target}`));
    });
    asking.once('connect', ({ statusCode }, socket) => {
      if (statusCode !== 200) {
        socket.destroy();
        fail(new Error(`proxy ${this.#proxy.host} answers ${statusCode} for ${target}`));
        return;
      }
      socket.setTimeout(0);
      const named = isIP(host) === 0 ? { servername: options.servername || host } : {};
      const { host: _, port: _port, path: _path, ...tls } = options as AgentOptions & Record<string, unknown>;
      const secure = connectTLS({ ...tls, ...named, socket });
      secure.once('error', fail);
      secure.once('secureConnect', () => {
        secure.off('error', fail);
        done(null, secure);
      });
    });
    asking.end();
    return undefined;
  }
}

/** Starts a request to a URL of http, by way of a proxy that gets the whole URL: RFC 9112 section 3.2.2. */
export function requestByProxy(url: URL, proxy: URL, options: RequestOptions): ClientRequest {
  const start = proxy.protocol === 'https:' ? httpsRequest : httpRequest;
  const path = `${url.origin}${url.pathname}${url.search}`;
  const headers = {
    ...(options.headers as Record<string, string>),
    host: url.host,
    ...credentialsFor(proxy),
  };
  return start({
    ...options,
    host: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: portOf(proxy),
    path,
    headers,
  });
}
