import type { Digest } from '../../image/digest.ts';

export interface CachedManifest {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
}

/**
 * The manifests used last, by their sha256 digest, up to a number of bytes. It holds content, which never changes; who
 * has access to it is asked on disk every time (CVE-2026-35172: a cache must not bring back what was deleted).
 */
export class ManifestCache {
  readonly #limit: number;
  readonly #entries = new Map<Digest, CachedManifest>();
  #size = 0;

  /** @param limit Bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get(digest: Digest): CachedManifest | undefined {
    const found = this.#entries.get(digest);
    if (found === undefined) return undefined;
    this.#entries.delete(digest);
    this.#entries.set(digest, found);
    return found;
  }

  set(digest: Digest, manifest: CachedManifest): void {
    this.delete(digest);
    if (manifest.bytes.length > this.#limit / 4) return;
    this.#entries.set(digest, manifest);
    this.#size += manifest.bytes.length;
    for (const oldest of this.#entries.keys()) {
      if (this.#size <= this.#limit) break;
      this.delete(oldest);
    }
  }

  delete(digest: Digest): void {
    this.#size -= this.#entries.get(digest)?.bytes.length ?? 0;
    this.#entries.delete(digest);
  }
}
