import { isTag, type RepositoryName } from '../../distribution/names.ts';
import { type Digest, digestAlgorithm, isDigest } from '../../image/digest.ts';
import { manifestSizeLimit } from '../../image/manifest.ts';
import { mapPool } from '../../util/pool.ts';
import type { StorageReader } from '../storage/driver.ts';
import { readLink } from '../storage/links.ts';
import {
  blobDataPath,
  type LinkKind,
  linkPath,
  linksPath,
  tagCurrentPath,
  tagsPath,
} from '../storage/paths.ts';
import { type ManifestReferences, referencesIn } from './manifest-references.ts';

const PARALLEL_READS = 8;
/** Digests that are remembered of manifests that were read; about 20 MB. */
const KEPT_REFERENCES = 200_000;

/** What manifests refer to, by their digest, remembered since it never changes. */
export class ReferenceCache {
  readonly #entries = new Map<Digest, ManifestReferences>();
  #size = 0;

  /** Undefined where the content is not there; `broken` where it is no manifest. */
  async get(reader: StorageReader, canonical: Digest): Promise<ManifestReferences | 'broken' | undefined> {
    const known = this.#entries.get(canonical);
    if (known !== undefined) return known;
    const path = blobDataPath(canonical);
    const bytes = await reader.readSmall(path, manifestSizeLimit);
    if (bytes === undefined) return (await reader.stat(path)) === undefined ? undefined : 'broken';
    const found = referencesIn(bytes);
    if (found === undefined) return 'broken';
    this.#remember(canonical, found);
    return found;
  }

  #remember(canonical: Digest, found: ManifestReferences): void {
    this.#entries.set(canonical, found);
    this.#size += found.all.length + 1;
    for (const [oldest, { all }] of this.#entries) {
      if (this.#size <= KEPT_REFERENCES) break;
      this.#entries.delete(oldest);
      this.#size -= all.length + 1;
    }
  }
}

/** What a repository links, and what that refers to, with sha256 digests throughout. */
export interface RepositoryView {
  readonly name: RepositoryName;
  /** The manifests that it has, by digest; without those whose content is gone. */
  readonly manifests: ReadonlyMap<Digest, ManifestReferences>;
  /** Linked manifests without content. */
  readonly dangling: readonly Digest[];
  /** Linked manifests whose content is none: what they refer to cannot be known. */
  readonly broken: readonly Digest[];
  /** Manifests whose folder has no link, as crashes leave it. */
  readonly unlinked: readonly Digest[];
  readonly tagged: ReadonlySet<Digest>;
  readonly layers: ReadonlySet<Digest>;
}

/** The links of one kind: sha256 digests, and by other digests their sha256 ones. */
async function readLinks(reader: StorageReader, name: RepositoryName, kind: LinkKind) {
  const digestsOf = async (algorithm: string) =>
    (await reader.list(linksPath(name, kind, algorithm))).map(hex => `${algorithm}:${hex}`).filter(isDigest);
  const canonicals = await digestsOf('sha256');
  const aliases = new Map<Digest, Digest>();
  for (const alias of await digestsOf('sha512')) {
    const canonical = await readLink(reader, linkPath(name, kind, alias));
    if (canonical !== undefined) aliases.set(alias, canonical);
  }
  return { canonicals, aliases };
}

/** Only links that say what their folder says: an empty or broken one counts as none. */
async function areLinked(
  reader: StorageReader,
  name: RepositoryName,
  kind: LinkKind,
  digests: readonly Digest[],
) {
  const isLinked = async (digest: Digest) =>
    (await readLink(reader, linkPath(name, kind, digest))) === digest;
  const found = await mapPool(digests, isLinked, { limit: PARALLEL_READS });
  return digests.filter((_, index) => found[index] === true);
}

async function readTagged(reader: StorageReader, name: RepositoryName): Promise<readonly Digest[]> {
  const tags = (await reader.list(tagsPath(name))).filter(isTag);
  const digests = await mapPool(tags, tag => readLink(reader, tagCurrentPath(name, tag)), {
    limit: PARALLEL_READS,
  });
  return digests.filter(digest => digest !== undefined);
}

export async function readRepository(
  reader: StorageReader,
  name: RepositoryName,
  cache: ReferenceCache,
): Promise<RepositoryView> {
  const layers = await readLinks(reader, name, '_layers');
  const revisions = await readLinks(reader, name, '_manifests/revisions');
  const canonicals = await areLinked(reader, name, '_manifests/revisions', revisions.canonicals);
  const linked = new Set(canonicals);
  const canonicalOf = (digest: Digest) =>
    digestAlgorithm(digest) === 'sha256'
      ? digest
      : (revisions.aliases.get(digest) ?? layers.aliases.get(digest) ?? digest);
  const found = await mapPool(canonicals, digest => cache.get(reader, digest), { limit: PARALLEL_READS });
  const manifests = new Map<Digest, ManifestReferences>();
  canonicals.forEach((digest, index) => {
    const references = found[index];
    if (references === undefined || references === 'broken') return;
    manifests.set(digest, {
      all: references.all.map(canonicalOf),
      children: references.children.map(canonicalOf),
      subject: references.subject && canonicalOf(references.subject),
    });
  });
  return {
    name,
    manifests,
    dangling: canonicals.filter((_, index) => found[index] === undefined),
    broken: canonicals.filter((_, index) => found[index] === 'broken'),
    unlinked: revisions.canonicals.filter(digest => !linked.has(digest)),
    tagged: new Set((await readTagged(reader, name)).map(canonicalOf)),
    layers: new Set(layers.canonicals),
  };
}
