import type { RepositoryName } from '../../distribution/names.ts';
import { HawserError, isHawserError } from '../../errors/hawser-error.ts';
import { type Digest, digestAlgorithm, digestOf } from '../../image/digest.ts';
import { relink } from './collected-links.ts';
import { hasURLs, type ReadOptions, type StorageDriver } from './driver.ts';
import { addLink, readLink, removeLink, resolveLink } from './links.ts';
import { blobAliasPath, blobDataPath } from './paths.ts';
import { settledStat } from './settled.ts';

const emptyDigest = digestOf('');

export interface StoredBlob {
  /** The digest that was asked for. */
  readonly digest: Digest;
  /** The sha256 digest of the same content. */
  readonly canonical: Digest;
  /** Bytes. */
  readonly size: number;
}

/** Blobs as repositories see them: a repository has a blob when it links it, whatever else the volume holds. */
export class Blobs {
  readonly #driver: StorageDriver;

  constructor(driver: StorageDriver) {
    this.#driver = driver;
  }

  /** Undefined where the repository does not link the blob, or where garbage collection left the link dangling. */
  async stat(name: RepositoryName, digest: Digest): Promise<StoredBlob | undefined> {
    const canonical = await resolveLink(this.#driver, { name, kind: '_layers', digest });
    if (canonical === undefined) return undefined;
    const size = await this.#sizeOf(canonical);
    return size === undefined ? undefined : { digest, canonical, size };
  }

  /** @throws HawserError BLOB_UNKNOWN: garbage collection took it just now */
  async read(blob: StoredBlob, options: ReadOptions = {}): Promise<AsyncGenerator<Uint8Array, void>> {
    try {
      return await this.#driver.read(blobDataPath(blob.canonical), { end: blob.size, ...options });
    } catch (error) {
      if (!isHawserError(error, 'NOT_FOUND')) throw error;
      throw new HawserError('BLOB_UNKNOWN', `blob ${blob.digest} is gone`, { cause: error });
    }
  }

  /** Where a client can read the blob itself; undefined where the medium has no such place. */
  async urlOf(blob: StoredBlob): Promise<string | undefined> {
    return hasURLs(this.#driver) ? await this.#driver.urlOf(blobDataPath(blob.canonical)) : undefined;
  }

  /**
   * Links a blob that is in the volume into `name`: from the repository `from`, which must link it, or from anywhere.
   *
   * @returns whether the blob was found
   */
  async mount(
    name: RepositoryName,
    source: { readonly digest: Digest; readonly from?: RepositoryName },
  ): Promise<boolean> {
    const { digest, from } = source;
    const canonical =
      from === undefined ? await this.#canonicalOf(digest) : (await this.stat(from, digest))?.canonical;
    if (canonical === undefined || (await this.#sizeOf(canonical)) === undefined) return false;
    await addLink(this.#driver, { name, kind: '_layers', digest, canonical });
    // Looked for again behind the link: a collector may have taken it in between, having seen no link.
    if ((await this.#sizeOf(canonical)) !== undefined) return true;
    await removeLink(this.#driver, { name, kind: '_layers', canonical });
    return false;
  }

  /** Links a blob again that was collected since the client found it; undefined where it was not. */
  async relink(name: RepositoryName, digest: Digest): Promise<boolean | undefined> {
    return await relink(this.#driver, { name, kind: '_layers', digest });
  }

  /**
   * Takes the blob out of the repository; its bytes stay until garbage is collected.
   *
   * @returns its sha256 digest; undefined where it was not there
   */
  async remove(name: RepositoryName, digest: Digest): Promise<Digest | undefined> {
    const blob = await this.stat(name, digest);
    if (blob === undefined) return undefined;
    await removeLink(this.#driver, { name, kind: '_layers', canonical: blob.canonical });
    return blob.canonical;
  }

  async #canonicalOf(digest: Digest): Promise<Digest | undefined> {
    if (digestAlgorithm(digest) === 'sha256') return digest;
    return await readLink(this.#driver, blobAliasPath(digest));
  }

  /** An empty file under another digest than that of nothing is what a crash of an old registry left. */
  async #sizeOf(canonical: Digest): Promise<number | undefined> {
    const found = await settledStat(this.#driver, blobDataPath(canonical));
    if (found?.kind !== 'file') return undefined;
    return found.size === 0 && canonical !== emptyDigest ? undefined : found.size;
  }
}
