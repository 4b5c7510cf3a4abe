import { createHash, type Hash } from 'node:crypto';
import { type Digest, type DigestAlgorithm, parseDigest } from '../../image/digest.ts';

/** The digest of an upload while it grows: sha256 always, since content is kept under it, and one more if announced. */
export class RunningDigest {
  readonly #hashes = new Map<DigestAlgorithm, Hash>();
  #size: number | undefined = 0;

  constructor(algorithm: DigestAlgorithm = 'sha256') {
    this.restart(algorithm);
  }

  /** Bytes hashed so far; undefined when it is not known what the file has. */
  get size(): number | undefined {
    return this.#size;
  }

  has(algorithm: DigestAlgorithm): boolean {
    return this.#hashes.has(algorithm);
  }

  /** Begins anew, from now on with `algorithm` too. */
  restart(algorithm?: DigestAlgorithm): void {
    const algorithms = new Set<DigestAlgorithm>(['sha256', ...this.#hashes.keys()]);
    if (algorithm !== undefined) algorithms.add(algorithm);
    for (const each of algorithms) this.#hashes.set(each, createHash(each));
    this.#size = 0;
  }

  /** Says that the state is worth nothing any more. */
  lose(): void {
    this.#size = undefined;
  }

  update(chunk: Uint8Array): void {
    for (const hash of this.#hashes.values()) hash.update(chunk);
    this.#size = (this.#size ?? 0) + chunk.length;
  }

  /** Passes `source` on and hashes it on the way. */
  async *of(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      this.update(chunk);
      yield chunk;
    }
  }

  /** The digest so far; more may follow. */
  digest(algorithm: DigestAlgorithm): Digest {
    const hash = this.#hashes.get(algorithm) ?? createHash(algorithm);
    return parseDigest(`${algorithm}:${hash.copy().digest('hex')}`);
  }
}
