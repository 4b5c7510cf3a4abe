import type { RepositoryName, Tag } from '../../distribution/names.ts';
import type { ManifestReference } from '../../distribution/routes.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import type { Digest } from '../../image/digest.ts';
import type { ManifestDocument } from '../../image/manifest.ts';

/**
 * The registry that this one is a cache of. Nothing there is `undefined`; one that does not answer, or is not well, throws
 * REGISTRY_UNREACHABLE, REGISTRY_ERROR, TOOMANYREQUESTS or UNAVAILABLE.
 */
export interface Upstream {
  /** What a tag names now; as cheap as can be. */
  digestOf(name: RepositoryName, tag: Tag): Promise<Digest | undefined>;
  /** Verified against the digest that was asked for. */
  manifest(name: RepositoryName, reference: ManifestReference): Promise<ManifestDocument | undefined>;
  /** Bytes. */
  blobSize(name: RepositoryName, digest: Digest): Promise<number | undefined>;
  /** Not verified. */
  blob(
    name: RepositoryName,
    blob: { readonly digest: Digest; readonly size: number },
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array>;
  /** All that refers to a manifest, however upstream lists it. */
  referrers(name: RepositoryName, subject: Digest): Promise<readonly Descriptor[] | undefined>;
  tags(name: RepositoryName): Promise<readonly Tag[] | undefined>;
}
