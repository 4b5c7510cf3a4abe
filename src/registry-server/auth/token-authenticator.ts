import type { SigningAlgorithm } from '../config/auth-schema.ts';
import type { RegistryRequest } from '../registry-message.ts';
import type { Access, Authenticator, Grant, Refusal } from './authenticator.ts';
import { verifyToken } from './json-web-token.ts';
import { readTrustedKeys, type TrustedKeys } from './trusted-keys.ts';

export interface TokenOptions {
  /** The URL of the authorization server. */
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** Files; empty where there is none. */
  readonly rootcertbundle: string;
  readonly jwks: string;
  readonly signingalgorithms: readonly SigningAlgorithm[];
  /** Whether the authorization server is at `autoredirectpath` of the host that the client asked. */
  readonly autoredirect: boolean;
  readonly autoredirectpath: string;
}

interface TokenAccess {
  readonly type: string;
  readonly class: string | undefined;
  readonly name: string;
  readonly actions: readonly string[];
}

/** The entries of the claim `access` that are well formed. */
function accessOf(claims: Readonly<Record<string, unknown>>): TokenAccess[] {
  const { access } = claims;
  if (!Array.isArray(access)) return [];
  return access.flatMap((entry: unknown): TokenAccess[] => {
    if (typeof entry !== 'object' || entry === null) return [];
    const { type, name, actions, class: kind } = entry as Readonly<Record<string, unknown>>;
    if (typeof type !== 'string' || typeof name !== 'string' || !Array.isArray(actions)) return [];
    return [{ type, name, actions: actions.map(String), class: typeof kind === 'string' ? kind : undefined }];
  });
}

function grantOf(claims: Readonly<Record<string, unknown>>): Grant {
  const entries = accessOf(claims);
  const { sub } = claims;
  return {
    user: typeof sub === 'string' && sub !== '' ? sub : undefined,
    isUnlimited: false,
    allows: ({ type, name, actions }) =>
      actions.every(action =>
        entries.some(
          entry =>
            entry.type === type &&
            entry.name === name &&
            (entry.actions.includes(action) || entry.actions.includes('*')),
        ),
      ),
    classesOf: repository =>
      entries
        .filter(({ type, name }) => type === 'repository' && name === repository)
        .map(each => each.class ?? 'image'),
  };
}

/** `repository:a/b:pull,push` */
const scopeOf = ({ type, name, actions }: Access): string => `${type}:${name}:${actions.join(',')}`;

/** Lets in who brings a token that a trusted server signed; distribution's "Token Authentication Specification". */
export class TokenAuthenticator implements Authenticator {
  readonly #options: TokenOptions;
  readonly #keys: TrustedKeys;
  readonly #now: () => Date;

  private constructor(options: TokenOptions, keys: TrustedKeys, now: () => Date) {
    this.#options = options;
    this.#keys = keys;
    this.#now = now;
  }

  /** @throws HawserError REGISTRY_CONFIG_INVALID */
  static async open(options: TokenOptions, now: () => Date = () => new Date()): Promise<TokenAuthenticator> {
    return new TokenAuthenticator(options, await readTrustedKeys(options), now);
  }

  async authenticate(request: RegistryRequest, access: readonly Access[]): Promise<Grant | Refusal> {
    const token = /^bearer +([^\s]+) *$/i.exec(request.header('authorization') ?? '')?.[1];
    if (token === undefined) return this.#refusal(request, access, { message: 'authentication required' });
    const { issuer, service, signingalgorithms: algorithms } = this.#options;
    const verified = verifyToken(token, { issuer, service, algorithms, keys: this.#keys, now: this.#now() });
    if (typeof verified === 'string') {
      return this.#refusal(request, access, { message: verified, error: 'invalid_token' });
    }
    const grant = grantOf(verified);
    if (access.every(each => grant.allows(each))) return grant;
    const message = 'the token does not allow this';
    return this.#refusal(request, access, { message, error: 'insufficient_scope' });
  }

  #refusal(
    request: RegistryRequest,
    access: readonly Access[],
    { message, error }: { readonly message: string; readonly error?: string },
  ): Refusal {
    const { service, autoredirect, autoredirectpath } = this.#options;
    const realm = autoredirect ? `${request.origin ?? ''}${autoredirectpath}` : this.#options.realm;
    const scope = access.map(scopeOf).join(' ');
    const parameters = {
      realm,
      service,
      ...(scope === '' ? {} : { scope }),
      ...(error === undefined ? {} : { error }),
    };
    return { challenge: { scheme: 'bearer', parameters }, message };
  }
}
