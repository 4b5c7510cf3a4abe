import { createHash, createPublicKey, type JsonWebKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { HawserError, messageOf } from '../../errors/hawser-error.ts';

/** Who may sign tokens. */
export interface TrustedKeys {
  /** By key id. */
  readonly byID: ReadonlyMap<string, KeyObject>;
  readonly roots: readonly X509Certificate[];
}

/**
 * The id that Docker's libtrust gives a key: 30 bytes of the SHA-256 of its SubjectPublicKeyInfo in base32, in groups of
 * four.
 */
export function libtrustKeyID(key: KeyObject): string {
  const der = key.export({ type: 'spki', format: 'der' });
  const bits = [...createHash('sha256').update(der).digest().subarray(0, 30)]
    .map(byte => byte.toString(2).padStart(8, '0'))
    .join('');
  const letters = (bits.match(/.{5}/g) ?? []).map(
    group => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[Number.parseInt(group, 2)],
  );
  return (letters.join('').match(/.{4}/g) ?? []).join(':');
}

/** RFC 7638. */
export function keyThumbprint(key: KeyObject): string {
  const { crv, e, kty, n, x, y } = key.export({ format: 'jwk' });
  const required = Object.entries({ crv, e, kty, n, x, y }).filter(([, value]) => value !== undefined);
  return createHash('sha256')
    .update(JSON.stringify(Object.fromEntries(required)))
    .digest('base64url');
}

function invalid(key: string, file: string, cause: unknown): HawserError {
  return new HawserError('REGISTRY_CONFIG_INVALID', `auth.token.${key}: ${file}: ${messageOf(cause)}`, {
    cause,
  });
}

async function readRoots(file: string): Promise<X509Certificate[]> {
  try {
    const text = await readFile(file, 'latin1');
    const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    if (blocks.length === 0) throw new Error('there is no certificate in it');
    return blocks.map(block => new X509Certificate(block));
  } catch (error) {
    throw invalid('rootcertbundle', file, error);
  }
}

async function readKeySet(file: string): Promise<Map<string, KeyObject>> {
  try {
    const { keys } = JSON.parse(await readFile(file, 'utf8')) as { keys?: unknown };
    if (!Array.isArray(keys)) throw new Error('there is no list "keys" in it');
    const found = new Map<string, KeyObject>();
    for (const jwk of keys as (JsonWebKey & { kid?: unknown })[]) {
      const key = createPublicKey({ key: jwk, format: 'jwk' });
      found.set(typeof jwk.kid === 'string' ? jwk.kid : keyThumbprint(key), key);
    }
    return found;
  } catch (error) {
    throw invalid('jwks', file, error);
  }
}

/** @throws HawserError REGISTRY_CONFIG_INVALID */
export async function readTrustedKeys(files: {
  readonly rootcertbundle: string;
  readonly jwks: string;
}): Promise<TrustedKeys> {
  const roots = files.rootcertbundle === '' ? [] : await readRoots(files.rootcertbundle);
  const byID = files.jwks === '' ? new Map<string, KeyObject>() : await readKeySet(files.jwks);
  for (const { publicKey } of roots) byID.set(libtrustKeyID(publicKey), publicKey);
  return { byID, roots };
}

const isValidAt = (certificate: X509Certificate, now: Date): boolean =>
  new Date(certificate.validFrom) <= now && now <= new Date(certificate.validTo);

/**
 * The key of the first certificate of a chain, where the chain leads to a root; undefined otherwise. A root may sign
 * itself.
 */
export function keyOfChain(
  chain: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  now: Date,
): KeyObject | undefined {
  const [leaf, ...intermediates] = chain;
  if (leaf === undefined) return undefined;
  let current = leaf;
  const left = new Set(intermediates);
  // Every step uses up a certificate: the walk ends.
  for (;;) {
    if (!isValidAt(current, now)) return undefined;
    if (roots.some(root => root.fingerprint256 === current.fingerprint256)) return leaf.publicKey;
    const signs = (issuer: X509Certificate) =>
      issuer.ca && current.checkIssued(issuer) && current.verify(issuer.publicKey);
    if (roots.some(root => isValidAt(root, now) && signs(root))) return leaf.publicKey;
    const next = [...left].find(signs);
    if (next === undefined) return undefined;
    left.delete(next);
    current = next;
  }
}
