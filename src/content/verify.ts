import { HawserError } from '../errors/hawser-error.ts';
import { type Digest, Digester, digestAlgorithm } from '../image/digest.ts';
import { throwIfAborted } from '../util/abort.ts';
import type { BlobInfo, IngestOptions } from './store.ts';

/** Measures and hashes content while it streams past, and checks it at its end against what was announced. */
export class ContentCheck {
  readonly #digester: Digester;
  readonly #options: IngestOptions;
  readonly #limit: number;
  #size = 0;

  constructor(options: IngestOptions) {
    this.#options = options;
    this.#digester = new Digester(
      options.digest === undefined ? options.algorithm : digestAlgorithm(options.digest),
    );
    this.#limit = Math.min(
      options.maxSize ?? Number.POSITIVE_INFINITY,
      options.size ?? Number.POSITIVE_INFINITY,
    );
  }

  /** @throws HawserError SIZE_INVALID as soon as there is too much; ABORTED */
  update(chunk: Uint8Array): void {
    throwIfAborted(this.#options.signal);
    this.#size += chunk.length;
    if (this.#size > this.#limit) {
      throw new HawserError('SIZE_INVALID', `${this.#name()} is longer than ${this.#limit} bytes`);
    }
    this.#digester.update(chunk);
  }

  /** @throws HawserError SIZE_INVALID, DIGEST_INVALID */
  end(): BlobInfo {
    const { size, digest } = this.#options;
    if (size !== undefined && this.#size !== size) {
      throw new HawserError('SIZE_INVALID', `${this.#name()} has ${this.#size} bytes instead of ${size}`);
    }
    const actual = this.#digester.digest();
    if (digest !== undefined && actual !== digest) {
      throw new HawserError('DIGEST_INVALID', `content of ${digest} hashes to ${actual}`, {
        remedy: 'The content was changed on its way: fetch it again.',
        detail: { expected: digest, actual },
      });
    }
    return { digest: actual, size: this.#size };
  }

  #name(): string {
    return this.#options.digest ?? 'the content';
  }
}

/** The range of `open`, resolved. @throws HawserError RANGE_INVALID */
export function resolveRange(
  info: BlobInfo,
  options: { readonly start?: number; readonly end?: number },
): { readonly start: number; readonly end: number } {
  const start = options.start ?? 0;
  const end = Math.min(options.end ?? info.size, info.size);
  if (!Number.isSafeInteger(start) || start < 0 || start > info.size || end < start) {
    throw new HawserError(
      'RANGE_INVALID',
      `bytes ${start} to ${options.end ?? 'the end'} are not inside ${info.digest}, which has ${info.size}`,
    );
  }
  return { start, end };
}

export function unknownBlob(digest: Digest): HawserError {
  return new HawserError('BLOB_UNKNOWN', `blob ${digest} is not in the store`);
}
