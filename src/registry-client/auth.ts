import type { IncomingMessage } from 'node:http';
import { type Challenge, parseChallenges } from '../distribution/challenge.ts';
import { errorOfAnswer } from '../distribution/errors.ts';
import { HawserError } from '../errors/hawser-error.ts';
import type { CredentialSource, Credentials } from './credentials.ts';
import type { Exchanger } from './exchange.ts';
import { readBody, readErrorBody } from './read-answer.ts';

/** Whether the token server `realm`, which `registry` names, may have the credentials for that registry. */
export type TrustsRealm = (realm: URL, registry: URL) => boolean;

/** What a request wants to do: `repository:library/nginx:pull,push`. */
export interface AccessScope {
  readonly domain: string;
  /** Empty for the catalog, and for a login. */
  readonly path: string;
  readonly actions: 'pull' | 'pull,push' | 'delete' | 'catalog' | 'login';
  /** Another repository of the registry, which a blob is mounted from. */
  readonly mountFrom?: string | undefined;
}

/** distribution's token specification, "Resource Scope". */
function scopeTexts({ path, actions, mountFrom }: AccessScope): string[] {
  if (actions === 'login') return [];
  if (actions === 'catalog') return ['registry:catalog:*'];
  const own = `repository:${path}:${actions}`;
  return mountFrom === undefined ? [own] : [own, `repository:${mountFrom}:pull`];
}

interface CachedToken {
  readonly header: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** Bytes; what a token server's answer may measure. */
const tokenAnswerLimit = 64 << 10;

/** What we are called at token servers. */
const CLIENT = 'hawser';

/** Seconds; the token specification's default. */
const defaultLifetime = 60;

function placeOf({ path, actions }: AccessScope): string {
  if (actions === 'login') return '';
  return ` for ${path || 'its catalog'}`;
}

function basic({ username, password }: Extract<Credentials, { kind: 'password' }>): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

export interface AuthorizerOptions {
  /** Default: every token server that a registry names may have its credentials. */
  readonly trustsRealm?: TrustsRealm | undefined;
  /** Told of the refresh token that a token server hands out for a password; none is asked for where nobody wants it. */
  readonly onRefreshToken?: ((token: string) => void) | undefined;
}

/** Gets and keeps what a registry wants in `Authorization`; https://distribution.github.io/distribution/spec/auth/token/ */
export class Authorizer {
  readonly #exchanger: Exchanger;
  readonly #credentials: CredentialSource;
  readonly #options: AuthorizerOptions;
  readonly #headers = new Map<string, CachedToken>();

  constructor(exchanger: Exchanger, credentials: CredentialSource, options: AuthorizerOptions = {}) {
    this.#exchanger = exchanger;
    this.#credentials = credentials;
    this.#options = options;
  }

  static #key({ domain, path, actions, mountFrom = '' }: AccessScope): string {
    return `${domain}/${path}:${actions}:${mountFrom}`;
  }

  /** The header for a scope, where one is known that still holds. */
  headerFor(scope: AccessScope): string | undefined {
    const cached = this.#headers.get(Authorizer.#key(scope));
    return cached !== undefined && cached.expires > Date.now() ? cached.header : undefined;
  }

  /**
   * Answers a 401: gets the header that its challenge asks for.
   *
   * @throws HawserError UNAUTHORIZED where there is nothing (left) to try
   */
  async answer(
    scope: AccessScope,
    refused: IncomingMessage,
    options: {
      readonly url: URL;
      /** The header that was refused. */
      readonly used: string | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<void> {
    const { used } = options;
    const newer = this.headerFor(scope);
    if (newer !== undefined && newer !== used) return; // another request has brought it meanwhile
    const challenges = parseChallenges(refused.headers['www-authenticate']);
    const credentials = await this.#credentials(scope.domain, scope.path);
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    if (credentials?.kind === 'registry-token') {
      return this.#keep(scope, `Bearer ${credentials.token}`, { used, seconds: 3600 });
    }
    if (bearer !== undefined) {
      const { token, seconds } = await this.#fetchToken(bearer, { ...options, scope, credentials });
      return this.#keep(scope, `Bearer ${token}`, { used, seconds });
    }
    if (challenges.some(({ scheme }) => scheme === 'basic') && credentials?.kind === 'password') {
      return this.#keep(scope, basic(credentials), { used, seconds: 3600 });
    }
    throw this.#refused(scope, credentials);
  }

  #keep(
    scope: AccessScope,
    header: string,
    options: { readonly used: string | undefined; readonly seconds: number },
  ): void {
    // The same header again would be refused again.
    if (header === options.used) throw this.#refused(scope, undefined, 'its credentials are refused');
    this.#headers.set(Authorizer.#key(scope), { header, expires: Date.now() + options.seconds * 1000 });
  }

  #refused(scope: AccessScope, credentials: Credentials | undefined, why?: string): HawserError {
    const reason =
      why ?? (credentials === undefined ? 'no credentials are stored for it' : 'its credentials are refused');
    return new HawserError('UNAUTHORIZED', `${scope.domain} wants a login${placeOf(scope)}: ${reason}`, {
      remedy: `Run hawser login ${scope.domain}.`,
    });
  }

  async #fetchToken(
    challenge: Challenge,
    options: {
      readonly url: URL;
      readonly scope: AccessScope;
      readonly credentials: Credentials | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<{ token: string; seconds: number }> {
    const realm = realmOf(challenge, options.url);
    const { scope, signal } = options;
    const { trustsRealm = () => true, onRefreshToken } = this.#options;
    const credentials = trustsRealm(realm, options.url) ? options.credentials : undefined;
    const parameters = new URLSearchParams();
    if (challenge.parameters.service !== undefined) parameters.set('service', challenge.parameters.service);
    for (const text of new Set([...scopeTexts(scope), ...(challenge.parameters.scope ?? '').split(' ')])) {
      if (text !== '') parameters.append('scope', text);
    }
    const wantsRefresh = onRefreshToken !== undefined && credentials?.kind === 'password';
    if (wantsRefresh) {
      for (const [name, value] of [
        ['account', credentials.username],
        ['client_id', CLIENT],
        ['offline_token', 'true'],
      ] as const)
        parameters.set(name, value);
    }
    const answer =
      credentials?.kind === 'identity-token'
        ? await this.#refresh(realm, parameters, { token: credentials.token, signal })
        : await this.#exchanger.send({
            method: 'GET',
            url: withParameters(realm, parameters),
            headers: credentials?.kind === 'password' ? { authorization: basic(credentials) } : {},
            signal,
          });
    if (answer.statusCode !== 200) {
      const body = await readErrorBody(answer);
      const failure = errorOfAnswer({
        status: answer.statusCode ?? 0,
        body,
        request: `token server ${realm.host}`,
      });
      if (answer.statusCode !== 401 && answer.statusCode !== 403) throw failure;
      throw new HawserError('UNAUTHORIZED', failure.message, {
        cause: failure,
        remedy: `Run hawser login ${scope.domain}.`,
      });
    }
    const { refresh, ...token } = parseToken(await readBody(answer, tokenAnswerLimit), realm);
    if (wantsRefresh && refresh !== undefined) onRefreshToken(refresh);
    return token;
  }

  /** OAuth2 form of the token request, for identity tokens. */
  async #refresh(
    realm: URL,
    parameters: URLSearchParams,
    options: { readonly token: string; readonly signal?: AbortSignal | undefined },
  ): Promise<IncomingMessage> {
    const form = new URLSearchParams(parameters);
    const scopes = form.getAll('scope').join(' ');
    form.delete('scope');
    form.set('scope', scopes);
    form.set('grant_type', 'refresh_token');
    form.set('client_id', CLIENT);
    form.set('refresh_token', options.token);
    return this.#exchanger.send({
      method: 'POST',
      url: realm,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: Buffer.from(form.toString()),
      signal: options.signal,
    });
  }
}

/** The token server; over https, unless the registry itself is spoken to in plain. */
function realmOf(challenge: Challenge, registry: URL): URL {
  const text = challenge.parameters.realm ?? '';
  const realm = URL.canParse(text) ? new URL(text) : undefined;
  if (realm === undefined || !/^https?:$/.test(realm.protocol)) {
    throw new HawserError(
      'REGISTRY_ERROR',
      `${registry.host} names no token server: realm ${JSON.stringify(text)}`,
    );
  }
  if (realm.protocol === 'http:' && registry.protocol === 'https:') {
    throw new HawserError(
      'REGISTRY_ERROR',
      `${registry.host} wants credentials to be sent in plain to ${realm.host}`,
    );
  }
  return realm;
}

function withParameters(url: URL, parameters: URLSearchParams): URL {
  const whole = new URL(url);
  for (const [name, value] of parameters) whole.searchParams.append(name, value);
  return whole;
}

interface TokenAnswer {
  readonly token: string;
  readonly seconds: number;
  /** What gets more tokens, in the password's place. */
  readonly refresh: string | undefined;
}

function parseToken(body: Buffer, realm: URL): TokenAnswer {
  let answer: { token?: unknown; access_token?: unknown; expires_in?: unknown; refresh_token?: unknown };
  try {
    answer = JSON.parse(body.toString()) as typeof answer;
  } catch (cause) {
    throw new HawserError('REGISTRY_ERROR', `the token server ${realm.host} did not answer JSON`, { cause });
  }
  const token = answer.token ?? answer.access_token;
  if (typeof token !== 'string' || token === '' || /[\r\n]/.test(token)) {
    throw new HawserError('REGISTRY_ERROR', `the token server ${realm.host} gave no token`);
  }
  const seconds =
    typeof answer.expires_in === 'number' && answer.expires_in > 0 ? answer.expires_in : defaultLifetime;
  const { refresh_token: refresh } = answer;
  const isToken = typeof refresh === 'string' && refresh !== '';
  return { token, seconds: Math.max(10, seconds * 0.9), refresh: isToken ? refresh : undefined };
}
