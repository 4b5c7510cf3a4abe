import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { errorOfAnswer, type WireErrorCode } from '../distribution/errors.ts';
import { HawserError, isHawserError } from '../errors/hawser-error.ts';
import { type AccessScope, Authorizer, type TrustsRealm } from './auth.ts';
import { type CredentialSource, storedCredentials } from './credentials.ts';
import { registryUrl } from './endpoint.ts';
import { type ExchangeRequest, Exchanger } from './exchange.ts';
import { discardBody, readErrorBody } from './read-answer.ts';

export interface TransportOptions {
  /** Default: what docker login and podman login have left. */
  readonly credentials?: CredentialSource;
  /** http for every registry, not for those on loopback only. */
  readonly plainHttp?: boolean;
  /** Whether a token server may have the credentials; every one may that the registry names where it is left out. */
  readonly trustsRealm?: TrustsRealm;
}

export interface RegistryRequest {
  readonly method: ExchangeRequest['method'];
  readonly scope: AccessScope;
  /** Path with query, or an absolute URL that the registry gave (`Location`). */
  readonly target: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** A function, so that a retry reads it from its beginning. */
  readonly body?: () => Exclude<ExchangeRequest['body'], undefined>;
  /** Answers that are not errors. */
  readonly expect: readonly number[];
  /** What a 404 without a body means. */
  readonly notFound?: WireErrorCode;
  /** Sent again after a failure of the connection or a 5xx; default for GET and HEAD. */
  readonly repeatable?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface RegistryAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** To be read to its end, or discarded. */
  readonly body: IncomingMessage;
  /** Where the answer came from, after redirects. */
  readonly url: URL;
}

const attempts = 4;
const redirectLimit = 5;

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/** Milliseconds before the next try: what `Retry-After` says, else 0.2 s, 0.4 s, 0.8 s, with some chance in it. */
function pauseAfter(attempt: number, retryAfter: string | undefined): number {
  const seconds = Number(retryAfter);
  if (Number.isFinite(seconds) && seconds > 0) return Math.min(seconds, 30) * 1000;
  return 200 * 2 ** attempt * (0.75 + Math.random() / 2);
}

/** Requests to registries: schemes, credentials, redirects, retries. One value serves any number of them. */
export class Transport {
  readonly #exchanger = new Exchanger();
  readonly #authorizer: Authorizer;
  readonly #plainHttp: boolean;

  constructor(options: TransportOptions = {}) {
    this.#plainHttp = options.plainHttp === true;
    this.#authorizer = new Authorizer(
      this.#exchanger,
      options.credentials ?? storedCredentials(process.env),
      options.trustsRealm,
    );
  }

  /** Ends the connections that are kept alive. */
  close(): void {
    this.#exchanger.close();
  }

  /**
   * Sends a request until it is answered as expected, or has failed for good.
   *
   * @throws HawserError UNAUTHORIZED, DENIED, REGISTRY_UNREACHABLE, REGISTRY_ERROR, and the codes of the registry
   */
  async request(request: RegistryRequest): Promise<RegistryAnswer> {
    const repeatable = request.repeatable ?? (request.method === 'GET' || request.method === 'HEAD');
    for (let attempt = 0; ; attempt++) {
      const last = !repeatable || attempt >= attempts - 1;
      try {
        const answer = await this.#authorized(request);
        if (request.expect.includes(answer.status)) return answer;
        const again = answer.status === 429 || answer.status >= 500;
        if (!again || last || answer.status === 501) throw await this.#failure(request, answer);
        discardBody(answer.body);
        await delay(pauseAfter(attempt, answer.headers['retry-after']), undefined, {
          signal: request.signal,
        });
      } catch (error) {
        if (last || !isHawserError(error, 'REGISTRY_UNREACHABLE') || isRefusal(error)) throw error;
        await delay(pauseAfter(attempt, undefined), undefined, { signal: request.signal });
      }
    }
  }

  async #failure(request: RegistryRequest, answer: RegistryAnswer): Promise<HawserError> {
    const body = await readErrorBody(answer.body);
    const path = answer.url.pathname;
    const failure = errorOfAnswer({
      status: answer.status,
      body,
      request: `${request.method} ${answer.url.protocol}//${answer.url.host}${path}`,
      ...(request.notFound === undefined ? {} : { notFound: request.notFound }),
    });
    if (answer.status === 400 && /HTTP request to an HTTPS server/i.test(body)) {
      return new HawserError(
        'REGISTRY_UNREACHABLE',
        `${answer.url.host} speaks https, and was asked by http`,
        {
          remedy: 'Name the registry by a host name that is not loopback, or serve it without TLS.',
        },
      );
    }
    return failure;
  }

  /** Sends with the credentials at hand; a 401 gets one more try with those that it asks for. */
  async #authorized(request: RegistryRequest): Promise<RegistryAnswer> {
    const base = registryUrl(request.scope.domain, { plainHttp: this.#plainHttp });
    const url = new URL(request.target, base);
    for (let tries = 0; ; tries++) {
      const own = url.origin === base.origin;
      const authorization = own ? this.#authorizer.headerFor(request.scope) : undefined;
      const headers = { ...request.headers, ...(authorization === undefined ? {} : { authorization }) };
      const answer = await this.#followed({ ...request, url, headers });
      if (answer.status !== 401 || !own || answer.url.origin !== base.origin || tries > 0) return answer;
      discardBody(answer.body);
      await this.#authorizer.answer(request.scope, answer.body, { url: base, signal: request.signal });
    }
  }

  /** Follows redirects; `Authorization` never goes to another origin, nor does a body. */
  async #followed(
    request: Omit<RegistryRequest, 'headers'> & {
      readonly url: URL;
      readonly headers: Readonly<Record<string, string>>;
    },
  ): Promise<RegistryAnswer> {
    let { url, headers } = request;
    for (let hops = 0; ; hops++) {
      const body = request.body?.();
      const message = await this.#exchanger.send({
        method: request.method,
        url,
        headers,
        body,
        signal: request.signal,
      });
      const status = message.statusCode ?? 0;
      const location = message.headers.location;
      const follow =
        isRedirect(status) &&
        (request.method === 'GET' || request.method === 'HEAD') &&
        location !== undefined;
      if (!follow || request.expect.includes(status))
        return { status, headers: message.headers, body: message, url };
      discardBody(message);
      if (hops >= redirectLimit) throw new HawserError('REGISTRY_ERROR', `${url.host} redirects in a circle`);
      const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
      if (
        next === undefined ||
        !/^https?:$/.test(next.protocol) ||
        (url.protocol === 'https:' && next.protocol === 'http:')
      ) {
        throw new HawserError(
          'REGISTRY_ERROR',
          `${url.host} redirects to ${JSON.stringify(location.slice(0, 200))}`,
        );
      }
      if (next.origin !== url.origin) {
        const { authorization: _, ...rest } = headers as Readonly<Record<string, string>> & {
          authorization?: string;
        };
        headers = rest;
      }
      url = next;
    }
  }
}

/** A refused connection or an unknown host does not mend itself within a second. */
function isRefusal(error: HawserError): boolean {
  const text = `${error.message} ${String(error.cause)}`;
  return /ECONNREFUSED|ENOTFOUND|CERT|SELF_SIGNED|EPROTO|WRONG_VERSION/.test(text);
}

/** Makes the transport of a command. */
export function createTransport(options: TransportOptions = {}): Transport {
  return new Transport(options);
}
