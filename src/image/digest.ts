import { createHash, type Hash, hash } from 'node:crypto';
import { HawserError } from '../errors/hawser-error.ts';

declare const digestBrand: unique symbol;

/** `algorithm:hex`, image-spec 1.1 descriptor.md section "Digests"; only from `parseDigest`, `digestOf` or a digester. */
export type Digest = string & { readonly [digestBrand]: true };

export type DigestAlgorithm = 'sha256' | 'sha512';

const hexLengths: Readonly<Record<DigestAlgorithm, number>> = { sha256: 64, sha512: 128 };

/** Whether `text` is a digest of a registered algorithm with the right number of lower-case hex digits. */
export function isDigest(text: string): text is Digest {
  const colon = text.indexOf(':');
  const algorithm = text.slice(0, colon);
  if (algorithm !== 'sha256' && algorithm !== 'sha512') return false;
  const hex = text.slice(colon + 1);
  return hex.length === hexLengths[algorithm] && /^[0-9a-f]+$/.test(hex);
}

/** @throws HawserError DIGEST_INVALID */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new HawserError('DIGEST_INVALID', `invalid digest ${JSON.stringify(text.slice(0, 200))}`, {
    remedy: 'A digest is sha256: and 64, or sha512: and 128, lower-case hex digits.',
  });
}

export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

export function digestHex(digest: Digest): string {
  return digest.slice(7);
}

/** Hashes what it is fed; `digest()` ends it. */
export class Digester {
  readonly algorithm: DigestAlgorithm;
  readonly #hash: Hash;

  constructor(algorithm: DigestAlgorithm = 'sha256') {
    this.algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
  }

  digest(): Digest {
    return `${this.algorithm}:${this.#hash.digest('hex')}` as Digest;
  }
}

/** The digest of `bytes` (a string counts as UTF-8). */
export function digestOf(bytes: Uint8Array | string, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${hash(algorithm, bytes)}` as Digest;
}
