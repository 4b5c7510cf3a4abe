import type { RepositoryName } from '../../distribution/names.ts';
import { type Digest, digestAlgorithm, digestOf, isDigest } from '../../image/digest.ts';
import { type ManifestDocument, manifestSizeLimit } from '../../image/manifest.ts';
import { allOf } from './all-of.ts';
import { relink } from './collected-links.ts';
import type { StorageDriver } from './driver.ts';
import { addLink, aliasesOf, removeLink, resolveLink } from './links.ts';
import { ManifestCache } from './manifest-cache.ts';
import { blobDataPath, linkPath, linksPath } from './paths.ts';
import { settledStat } from './settled.ts';
import { storedMediaType } from './stored-media-type.ts';

const CACHE_SIZE = 16 << 20;

export interface StoredManifest {
  /** The digest that was asked for. */
  readonly digest: Digest;
  /** The sha256 digest of the same bytes. */
  readonly canonical: Digest;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** Manifests and indexes by digest: bytes in `blobs/`, one link a repository in `_manifests/revisions`. */
export class Manifests {
  readonly #driver: StorageDriver;
  readonly #cache = new ManifestCache(CACHE_SIZE);

  constructor(driver: StorageDriver) {
    this.#driver = driver;
  }

  /** Undefined where the repository lacks it, and where its bytes are gone, broken or of a kind of before 2017. */
  async get(name: RepositoryName, digest: Digest): Promise<StoredManifest | undefined> {
    const canonical = await resolveLink(this.#driver, { name, kind: '_manifests/revisions', digest });
    if (canonical === undefined) return undefined;
    const known = this.#cache.get(canonical);
    if (known !== undefined) return { digest, canonical, ...known };
    const path = blobDataPath(canonical);
    let bytes = await this.#driver.readSmall(path, manifestSizeLimit);
    if (bytes === undefined && (await settledStat(this.#driver, path)) !== undefined) {
      bytes = await this.#driver.readSmall(path, manifestSizeLimit);
    }
    // Not what it should be: gone for the client, who can then push it again.
    if (bytes === undefined || digestOf(bytes) !== canonical) return undefined;
    const mediaType = storedMediaType(bytes);
    if (mediaType === undefined) return undefined;
    this.#cache.set(canonical, { bytes, mediaType });
    return { digest, canonical, mediaType, bytes };
  }

  async has(name: RepositoryName, digest: Digest): Promise<boolean> {
    const canonical = await resolveLink(this.#driver, { name, kind: '_manifests/revisions', digest });
    return (
      canonical !== undefined && (await settledStat(this.#driver, blobDataPath(canonical)))?.kind === 'file'
    );
  }

  /**
   * Durable with its links when it returns. Links come first: content that no repository links may be collected at any
   * moment; a link that a crash left without content counts as none.
   */
  async put(name: RepositoryName, document: ManifestDocument): Promise<StoredManifest> {
    const { digest, bytes, mediaType } = document;
    const canonical = digestAlgorithm(digest) === 'sha256' ? digest : digestOf(bytes);
    const linked = addLink(this.#driver, { name, kind: '_manifests/revisions', digest, canonical });
    await allOf([linked, this.#driver.write(blobDataPath(canonical), bytes, { after: linked })]);
    this.#cache.set(canonical, { bytes, mediaType });
    return { digest, canonical, mediaType, bytes };
  }

  /** Links a manifest again that was collected since the client found it; undefined where it was not. */
  async relink(name: RepositoryName, digest: Digest): Promise<boolean | undefined> {
    return await relink(this.#driver, { name, kind: '_manifests/revisions', digest });
  }

  /** When the manifest was pushed last, in milliseconds since 1970; undefined where the repository lacks it. */
  async pushedAt(name: RepositoryName, canonical: Digest): Promise<number | undefined> {
    return (await this.#driver.stat(linkPath(name, '_manifests/revisions', canonical)))?.modified;
  }

  /** Every digest that the repository has the manifest under, its sha256 digest first; none where it lacks it. */
  async digestsOf(name: RepositoryName, digest: Digest): Promise<readonly Digest[]> {
    const kind = '_manifests/revisions';
    const canonical = await resolveLink(this.#driver, { name, kind, digest });
    if (canonical === undefined) return [];
    return [canonical, ...(await aliasesOf(this.#driver, { name, kind, canonical }))];
  }

  /** Takes a manifest out of the repository, by its sha256 digest and every other; its bytes stay. */
  async remove(name: RepositoryName, canonical: Digest): Promise<void> {
    await removeLink(this.#driver, { name, kind: '_manifests/revisions', canonical });
    this.#cache.delete(canonical);
  }

  /** The digests by which the repository links manifests, each by the one that it was pushed by; unverified. */
  async list(
    name: RepositoryName,
  ): Promise<readonly { readonly digest: Digest; readonly canonical: Digest }[]> {
    const kind = '_manifests/revisions';
    const found = await this.#driver.list(linksPath(name, kind, 'sha256'));
    const canonicals = found.map(hex => `sha256:${hex}`).filter(isDigest);
    const hasAliases = (await this.#driver.list(linksPath(name, kind, 'sha512'))).length > 0;
    const entries = [];
    for (const canonical of canonicals) {
      const [alias] = hasAliases ? await aliasesOf(this.#driver, { name, kind, canonical }) : [];
      entries.push({ digest: alias ?? canonical, canonical });
    }
    return entries;
  }
}
