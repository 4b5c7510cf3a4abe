import type { IncomingMessage } from 'node:http';
import { errorOfAnswer, type WireErrorCode } from '../distribution/errors.ts';
import { HawserError, isHawserError } from '../errors/hawser-error.ts';
import { type AccessScope, Authorizer, type AuthorizerOptions } from './auth.ts';
import { type CredentialSource, storedCredentials } from './credentials.ts';
import { isLoopbackHost } from './endpoint.ts';
import { type ExchangeRequest, Exchanger } from './exchange.ts';
import { HostRules, hostRulesPaths, type Place } from './hosts/host-rules.ts';
import { Schemes } from './hosts/schemes.ts';
import { discardBody, readErrorBody } from './read-answer.ts';
import { pauseBeforeRetry } from './retry-pause.ts';

export interface TransportOptions extends AuthorizerOptions {
  /** Default: what docker login and podman login have left. */
  readonly credentials?: CredentialSource;
  /** http for every registry, not for those on loopback only. */
  readonly plainHttp?: boolean;
  /** Default: what docker's and podman's configuration of the machine says. */
  readonly rules?: HostRules;
  /** For the proxy variables; default the process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
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

/** A request to one place, which may be a mirror. */
interface PlacedRequest extends RegistryRequest {
  readonly place: Place;
  readonly attempts: number;
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/** What a request for content names it by; undefined for other requests, which no mirror gets. */
function contentName({ method, scope, target }: RegistryRequest): 'tag' | 'digest' | undefined {
  if (method !== 'GET' || scope.actions !== 'pull' || typeof target !== 'string') return undefined;
  if (target.includes('/blobs/')) return 'digest';
  if (!target.includes('/manifests/')) return undefined;
  return /:[0-9a-f]+$/.test(target) ? 'digest' : 'tag';
}

/** The same request, asked of another place for its repository. */
function placed(request: RegistryRequest, place: Place, tries: number): PlacedRequest {
  const { scope, target } = request;
  const from = `/v2/${scope.path}/`;
  const moved =
    typeof target === 'string' && scope.path !== place.path && target.startsWith(from)
      ? `/v2/${place.path}/${target.slice(from.length)}`
      : target;
  const { domain, path } = place;
  return { ...request, place, attempts: tries, scope: { ...scope, domain, path }, target: moved };
}

/** Requests to registries: schemes, mirrors, credentials, redirects, retries. One value serves any number of them. */
export class Transport {
  readonly #exchanger: Exchanger;
  readonly #authorizer: Authorizer;
  readonly #schemes: Schemes;
  readonly #rules: () => Promise<HostRules>;
  /** Mirrors that did not answer: not asked again. */
  readonly #silent = new Set<string>();

  constructor(options: TransportOptions = {}) {
    const { plainHttp = false, env = process.env } = options;
    let rules: Promise<HostRules> | undefined;
    this.#rules = () => {
      rules ??=
        options.rules === undefined ? HostRules.read(hostRulesPaths(env)) : Promise.resolve(options.rules);
      return rules;
    };
    this.#exchanger = new Exchanger({
      env,
      isInsecure: async (host, { ca }) =>
        (ca === undefined && isLoopbackHost(host)) || (await (await this.#rules()).isInsecure(host)),
    });
    this.#schemes = new Schemes({
      exchanger: this.#exchanger,
      plainHttp,
      isInsecure: async domain => (await this.#rules()).isInsecure(domain),
    });
    this.#authorizer = new Authorizer(
      this.#exchanger,
      options.credentials ?? storedCredentials(env),
      options,
    );
  }

  /** Ends the connections that are kept alive. */
  close(): void {
    this.#exchanger.close();
  }

  /**
   * Sends a request until it is answered as expected, or has failed for good. Content is asked of the mirrors first; what is
   * wrong with those is no error as long as the registry itself has it.
   *
   * @throws HawserError UNAUTHORIZED, DENIED, REGISTRY_UNREACHABLE, REGISTRY_ERROR, and the codes of the registry
   */
  async request(request: RegistryRequest): Promise<RegistryAnswer> {
    const rules = await this.#rules();
    const { domain, path } = request.scope;
    const place = rules.placeOf(domain, path);
    const by = contentName(request);
    for (const mirror of by === undefined ? [] : rules.mirrorsOf(domain, path, by)) {
      const answer = this.#silent.has(mirror.domain) ? undefined : await this.#askMirror(request, mirror);
      if (answer !== undefined) return answer;
    }
    const repeatable = request.repeatable ?? (request.method === 'GET' || request.method === 'HEAD');
    return await this.#repeated(placed(request, place, repeatable ? attempts : 1));
  }

  async #askMirror(request: RegistryRequest, mirror: Place): Promise<RegistryAnswer | undefined> {
    try {
      return await this.#repeated(placed(request, mirror, 1));
    } catch (error) {
      if (!isHawserError(error) || error.code === 'ABORTED') throw error;
      if (error.code === 'REGISTRY_UNREACHABLE') this.#silent.add(mirror.domain);
      return undefined;
    }
  }

  async #repeated(request: PlacedRequest): Promise<RegistryAnswer> {
    const { protocol } = await this.#schemes.baseOf(request.place);
    for (let attempt = 0; ; attempt++) {
      const last = attempt >= request.attempts - 1;
      try {
        const answer = await this.#authorized(request);
        if (request.expect.includes(answer.status)) return answer;
        const again = answer.status === 429 || answer.status >= 500;
        if (!again || last || answer.status === 501) throw await this.#failure(request, answer);
        discardBody(answer.body);
        const retryAfter = answer.headers['retry-after'];
        await pauseBeforeRetry(attempt, { retryAfter, signal: request.signal });
      } catch (error) {
        if (
          protocol === 'http:' &&
          isNoHTTP(request, error) &&
          (await this.#schemes.turnToTLS(request.place))
        ) {
          return await this.#repeated(request);
        }
        if (last || !isHawserError(error, 'REGISTRY_UNREACHABLE') || isRefusal(error)) throw error;
        await pauseBeforeRetry(attempt, { signal: request.signal });
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
        { cause: failure, remedy: 'Leave out --plain-http.' },
      );
    }
    return failure;
  }

  /** Sends with the credentials at hand; a 401 gets one more try with those that it asks for. */
  async #authorized(request: PlacedRequest): Promise<RegistryAnswer> {
    const base = await this.#schemes.baseOf(request.place);
    const url = new URL(request.target, base);
    for (let tries = 0; ; tries++) {
      const own = url.origin === base.origin;
      const authorization = own ? this.#authorizer.headerFor(request.scope) : undefined;
      const headers = { ...request.headers, ...(authorization === undefined ? {} : { authorization }) };
      const answer = await this.#followed({ ...request, url, headers });
      if (answer.status !== 401 || !own || answer.url.origin !== base.origin || tries > 0) return answer;
      discardBody(answer.body);
      const { signal } = request;
      await this.#authorizer.answer(request.scope, answer.body, { url: base, used: authorization, signal });
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

/** What comes of http where TLS is spoken: Go answers so in words, which a HEAD does not get; others end the connection. */
function isNoHTTP({ method }: RegistryRequest, error: unknown): boolean {
  if (!isHawserError(error)) return false;
  const { status } = (error.detail ?? {}) as { readonly status?: number };
  if (method === 'HEAD' && status === 400) return true;
  const text = `${error.message} ${String(error.cause)}`;
  return (
    error.code === 'REGISTRY_UNREACHABLE' && /asked by http|hang up|ECONNRESET|HPE_|Parse Error/.test(text)
  );
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
