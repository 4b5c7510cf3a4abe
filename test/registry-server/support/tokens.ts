import { constants, createHash, type KeyObject, sign } from 'node:crypto';

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** How each algorithm of JWT signs with Node's crypto. */
function signature(algorithm: string, text: string, key: KeyObject): Buffer {
  const hash = algorithm === 'EdDSA' ? null : `sha${algorithm.slice(2)}`;
  const isPSS = algorithm.startsWith('PS');
  const padding = isPSS
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : {};
  return sign(hash, Buffer.from(text), { key, dsaEncoding: 'ieee-p1363', ...padding });
}

export function signToken(
  header: { readonly alg: string; readonly [name: string]: unknown },
  claims: object,
  key: KeyObject,
): string {
  const text = `${encode({ typ: 'JWT', ...header })}.${encode(claims)}`;
  return `${text}.${signature(header.alg, text, key).toString('base64url')}`;
}

/** A token that nobody signed. */
export function unsignedToken(header: object, claims: object, tail = ''): string {
  return `${encode(header)}.${encode(claims)}.${tail}`;
}

/** RFC 7638, computed in another way than the registry does. */
export function thumbprint(key: KeyObject): string {
  const { kty, crv, x, y, n, e } = key.export({ format: 'jwk' });
  const text =
    kty === 'RSA'
      ? `{"e":"${e}","kty":"RSA","n":"${n}"}`
      : `{"crv":"${crv}","kty":"${kty}","x":"${x}"${y === undefined ? '' : `,"y":"${y}"`}}`;
  return createHash('sha256').update(text).digest('base64url');
}
