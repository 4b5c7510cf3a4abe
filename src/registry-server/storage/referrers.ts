import { isTag, type RepositoryName } from '../../distribution/names.ts';
import { isHawserError } from '../../errors/hawser-error.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import { type Digest, digestAlgorithm, digestHex, isDigest } from '../../image/digest.ts';
import { type ManifestDocument, parseManifest } from '../../image/manifest.ts';
import type { StorageReader } from './driver.ts';
import { FolderCache } from './folder-cache.ts';
import type { Manifests, StoredManifest } from './manifests.ts';
import { linksPath } from './paths.ts';
import type { Tags } from './tags.ts';

/** Manifests that are remembered as having a subject or none, and how many bytes they may have to be remembered. */
const KEPT_FACTS = 50_000;
const FACT_SIZE = 16 << 10;
/** Characters of the descriptors of referrers that are remembered by their subject. */
const KEPT_REFERRERS = 16 << 20;

/** What a manifest says of itself as a referrer; false for one without a subject. */
type ReferrerFact = { readonly subject: Digest; readonly descriptor: Descriptor } | false;

/** The descriptor of a referrer; distribution-spec 1.1 "Listing Referrers". */
function factOf(stored: StoredManifest): ReferrerFact {
  let document: ManifestDocument;
  try {
    document = parseManifest(stored.bytes, { mediaType: stored.mediaType });
  } catch (error) {
    // An older registry took it; without well-formed fields it refers to nothing.
    if (isHawserError(error, 'MANIFEST_INVALID')) return false;
    throw error;
  }
  const { subject, annotations, artifactType } = document.value;
  if (subject === undefined || subject === null) return false;
  const kind = artifactType || (document.kind === 'manifest' ? document.value.config.mediaType : undefined);
  const descriptor = {
    mediaType: stored.mediaType,
    digest: stored.digest,
    size: stored.bytes.length,
    ...(kind === undefined ? {} : { artifactType: kind }),
    ...(annotations === undefined || annotations === null ? {} : { annotations }),
  };
  return { subject: subject.digest, descriptor };
}

/** The tag under which clients list referrers at registries without the API; "Referrers Tag Schema". */
function referrersTag(subject: Digest): string {
  return `${digestAlgorithm(subject)}-${digestHex(subject).slice(0, 64)}`;
}

type ReferrersBySubject = ReadonlyMap<Digest, readonly Descriptor[]>;

/**
 * Which manifests of a repository have a given subject. The volume has no index of it: the links of the repository are
 * listed when they changed, which also finds what registry:2 or another hawser pushed, and what each manifest says, which
 * never changes, is remembered.
 */
export class Referrers {
  readonly #manifests: Manifests;
  readonly #tags: Tags;
  readonly #facts = new Map<Digest, ReferrerFact>();

  readonly #lists: FolderCache<ReferrersBySubject>;

  constructor(
    reader: StorageReader,
    { manifests, tags }: { readonly manifests: Manifests; readonly tags: Tags },
  ) {
    this.#manifests = manifests;
    this.#tags = tags;
    this.#lists = new FolderCache(reader, KEPT_REFERRERS);
  }

  /** In the order of their digests. */
  async list(name: RepositoryName, subject: Digest): Promise<readonly Descriptor[]> {
    const found = new Map<Digest, Descriptor>();
    for (const descriptor of (await this.#bySubject(name)).get(subject) ?? []) {
      if (await this.#manifests.has(name, descriptor.digest)) found.set(descriptor.digest, descriptor);
    }
    for (const descriptor of await this.#listedByTag(name, subject)) {
      if (!found.has(descriptor.digest)) found.set(descriptor.digest, descriptor);
    }
    return [...found.values()].sort((left, right) => (left.digest < right.digest ? -1 : 1));
  }

  async #bySubject(name: RepositoryName): Promise<ReferrersBySubject> {
    const folders = ['sha256', 'sha512'].map(algorithm => linksPath(name, '_manifests/revisions', algorithm));
    return await this.#lists.get(folders, async () => {
      const value = new Map<Digest, Descriptor[]>();
      let weight = 1;
      for (const { digest, canonical } of await this.#manifests.list(name)) {
        const fact = await this.#factOf(name, digest, canonical);
        // A link without content can get it without a change that the folder shows: then nothing is remembered.
        if (fact === undefined) weight = Number.POSITIVE_INFINITY;
        if (fact === undefined || fact === false) continue;
        const others = value.get(fact.subject);
        const descriptor = { ...fact.descriptor, digest };
        if (others === undefined) value.set(fact.subject, [descriptor]);
        else others.push(descriptor);
        weight += JSON.stringify(descriptor).length;
      }
      return { value, weight };
    });
  }

  async #factOf(name: RepositoryName, digest: Digest, canonical: Digest): Promise<ReferrerFact | undefined> {
    const known = this.#facts.get(canonical);
    if (known !== undefined) return known;
    const stored = await this.#manifests.get(name, digest);
    if (stored === undefined) return undefined;
    const fact = factOf(stored);
    if (fact !== false && stored.bytes.length > FACT_SIZE) return fact;
    this.#facts.set(canonical, fact);
    if (this.#facts.size > KEPT_FACTS) {
      for (const oldest of this.#facts.keys()) {
        this.#facts.delete(oldest);
        break;
      }
    }
    return fact;
  }

  /** What a client of a registry without the API listed under the tag schema, as far as the repository has it. */
  async #listedByTag(name: RepositoryName, subject: Digest): Promise<readonly Descriptor[]> {
    const tag = referrersTag(subject);
    const digest = isTag(tag) ? await this.#tags.get(name, tag) : undefined;
    const stored = digest === undefined ? undefined : await this.#manifests.get(name, digest);
    if (stored === undefined) return [];
    let listed: readonly Descriptor[];
    try {
      const document = parseManifest(stored.bytes, { mediaType: stored.mediaType });
      listed = document.kind === 'index' ? document.value.manifests : [];
    } catch (error) {
      if (isHawserError(error, 'MANIFEST_INVALID')) return []; // a tag of that name that is something else
      throw error;
    }
    const present: Descriptor[] = [];
    for (const descriptor of listed) {
      if (isDigest(descriptor.digest) && (await this.#manifests.has(name, descriptor.digest))) {
        present.push(descriptor);
      }
    }
    return present;
  }
}
