import {
  constants,
  createPublicKey,
  type JsonWebKey,
  type KeyObject,
  verify,
  X509Certificate,
} from 'node:crypto';
import type { SigningAlgorithm } from '../config/auth-schema.ts';
import { keyOfChain, type TrustedKeys } from './trusted-keys.ts';

/** Characters; registries with thousands of repositories in one token stay below. */
const SIZE_LIMIT = 32 << 10;
/** Seconds by which clocks may differ. */
const LEEWAY = 60;
const CHAIN_LIMIT = 10;

export interface TokenRules {
  readonly issuer: string;
  readonly service: string;
  readonly algorithms: readonly SigningAlgorithm[];
  readonly keys: TrustedKeys;
  readonly now: Date;
}

type Claims = Readonly<Record<string, unknown>>;

interface SignatureKind {
  readonly keyType: string;
  readonly hash: string | null;
  readonly isPSS?: true;
  readonly curve?: string;
}

/** RFC 7518 section 3.1, RFC 8037 section 3.1. */
const signatureKinds: Readonly<Record<SigningAlgorithm, SignatureKind>> = {
  EdDSA: { keyType: 'ed25519', hash: null },
  RS256: { keyType: 'rsa', hash: 'sha256' },
  RS384: { keyType: 'rsa', hash: 'sha384' },
  RS512: { keyType: 'rsa', hash: 'sha512' },
  ES256: { keyType: 'ec', hash: 'sha256', curve: 'prime256v1' },
  ES384: { keyType: 'ec', hash: 'sha384', curve: 'secp384r1' },
  ES512: { keyType: 'ec', hash: 'sha512', curve: 'secp521r1' },
  PS256: { keyType: 'rsa', hash: 'sha256', isPSS: true },
  PS384: { keyType: 'rsa', hash: 'sha384', isPSS: true },
  PS512: { keyType: 'rsa', hash: 'sha512', isPSS: true },
};

function parsePart(part: string): Claims {
  const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('no object');
  return value as Claims;
}

function chainKey(x5c: unknown, { keys, now }: TokenRules): KeyObject | undefined {
  if (!Array.isArray(x5c) || x5c.length > CHAIN_LIMIT) return undefined;
  const chain = x5c.map(each => new X509Certificate(Buffer.from(String(each), 'base64')));
  return keyOfChain(chain, keys.roots, now);
}

/**
 * The key that a token says it is signed with, where it is trusted. Of a key inside the token itself (`jwk`) only the key
 * counts, never the name that it gives itself (CVE-2025-24976).
 */
function keyOf(header: Claims, rules: TokenRules): KeyObject | undefined {
  const { x5c, jwk, kid } = header;
  if (x5c !== undefined) return chainKey(x5c, rules);
  if (typeof jwk === 'object' && jwk !== null) {
    const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
    const certified = 'x5c' in jwk ? chainKey(jwk.x5c, rules) : undefined;
    return [...rules.keys.byID.values(), certified].find(each => each?.equals(key));
  }
  return typeof kid === 'string' ? rules.keys.byID.get(kid) : undefined;
}

function isSigned(text: string, signature: Buffer, by: { key: KeyObject; kind: SignatureKind }): boolean {
  const { key, kind } = by;
  if (key.asymmetricKeyType !== kind.keyType) return false;
  if (kind.curve !== undefined && key.asymmetricKeyDetails?.namedCurve !== kind.curve) return false;
  const padding = kind.isPSS
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : {};
  return verify(kind.hash, Buffer.from(text), { key, dsaEncoding: 'ieee-p1363', ...padding }, signature);
}

function problemOfClaims(claims: Claims, rules: TokenRules): string | undefined {
  const now = rules.now.getTime() / 1000;
  const { iss, aud, exp, nbf } = claims;
  const audience = Array.isArray(aud) ? aud : [aud];
  if (iss !== rules.issuer) return 'the token is of another issuer';
  if (!audience.includes(rules.service)) return 'the token is for another service';
  if (typeof exp !== 'number' || now > exp + LEEWAY) return 'the token has expired';
  if (nbf !== undefined && (typeof nbf !== 'number' || now < nbf - LEEWAY))
    return 'the token is not valid yet';
  return undefined;
}

/**
 * Verifies a token: distribution's "Token Authentication Implementation", RFC 7519.
 *
 * @returns the claims, or what is wrong, as a text
 */
export function verifyToken(token: string, rules: TokenRules): Claims | string {
  const parts = token.split('.');
  const [head = '', body = '', tail = ''] = parts;
  if (parts.length !== 3 || token.length > SIZE_LIMIT) return 'the token is malformed';
  try {
    const header = parsePart(head);
    const algorithm = rules.algorithms.find(each => each === header.alg);
    if (algorithm === undefined) return 'the token is signed by an algorithm that is not allowed';
    const key = keyOf(header, rules);
    if (key === undefined) return 'the token is signed by somebody who is not trusted';
    const by = { key, kind: signatureKinds[algorithm] };
    if (!isSigned(`${head}.${body}`, Buffer.from(tail, 'base64url'), by))
      return "the token's signature is wrong";
    const claims = parsePart(body);
    return problemOfClaims(claims, rules) ?? claims;
  } catch {
    return 'the token is malformed';
  }
}
