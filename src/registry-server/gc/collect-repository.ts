import type { RepositoryName } from '../../distribution/names.ts';
import type { Digest } from '../../image/digest.ts';
import { mapPool } from '../../util/pool.ts';
import type { StorageDriver } from '../storage/driver.ts';
import { type LinkKind, linkFolder, linkKindPath } from '../storage/paths.ts';
import { liveManifests, referencedBy } from './live-manifests.ts';
import { removeRemains } from './remove-remains.ts';
import { type ReferenceCache, type RepositoryView, readRepository } from './repository-view.ts';
import { endTaking, type Link, linkedAt, takeLink, undoTaking } from './take-links.ts';

const PARALLEL = 4;

/** Whether a link that nothing needs may go, by when it was written; younger ones belong to a push that goes on. */
export type MayGo = (digest: Digest, modified: number) => boolean;

export interface CollectRepositoryOptions {
  readonly cache: ReferenceCache;
  /** Manifests that no tag reaches; undefined where they all stay. */
  readonly mayManifestGo: MayGo | undefined;
  readonly mayLayerGo: MayGo;
  /** Until when links to a layer were written for manifests that went before; 0 where it is not known. */
  readonly freedUntil?: (digest: Digest) => number;
  /** Temporary files that were written before are a crash's; milliseconds since 1970. */
  readonly remainsBefore?: number;
  /** Says what would go, and changes nothing. */
  readonly dryRun?: boolean;
}

export interface CollectedRepository {
  /** What was unlinked: content that may be garbage now. */
  readonly manifests: readonly Digest[];
  readonly layers: readonly Digest[];
  /** What removed manifests named: links that are not younger were written for them. */
  readonly freed: ReadonlyMap<Digest, number>;
  /** What is there afterwards. */
  readonly view: RepositoryView;
}

interface Candidate {
  readonly digest: Digest;
  readonly modified: number;
}

class RepositoryCollection {
  readonly #driver: StorageDriver;
  readonly #name: RepositoryName;
  readonly #options: CollectRepositoryOptions;
  /** What removed manifests named: pushed before them, it was pushed for them. */
  readonly #freed = new Map<Digest, number>();

  /** Layers whose folder has no link. */
  readonly #empty = new Set<Digest>();

  constructor(driver: StorageDriver, name: RepositoryName, options: CollectRepositoryOptions) {
    this.#driver = driver;
    this.#name = name;
    this.#options = options;
  }

  async run(): Promise<CollectedRepository> {
    let view = await this.#read();
    // What a broken document refers to cannot be known, so that nothing here is known to be garbage.
    if (view.broken.length > 0) return { manifests: [], layers: [], freed: this.#freed, view };
    const manifests: Digest[] = [];
    // Children and referrers of what goes may go too: until there are none.
    for (;;) {
      const gone = await this.#takeManifests(view);
      manifests.push(...gone);
      if (gone.length === 0) break;
      view = this.#without(view, gone);
      if (this.#options.dryRun !== true) view = await this.#read();
    }
    const layers = new Set(await this.#takeLayers(view));
    const left = new Set([...view.layers].filter(each => !layers.has(each) && !this.#empty.has(each)));
    return { manifests, layers: [...layers], freed: this.#freed, view: { ...view, layers: left } };
  }

  #read(): Promise<RepositoryView> {
    return readRepository(this.#driver, this.#name, this.#options.cache);
  }

  #without(view: RepositoryView, gone: readonly Digest[]): RepositoryView {
    const manifests = new Map([...view.manifests].filter(([digest]) => !gone.includes(digest)));
    return { ...view, manifests, dangling: view.dangling.filter(digest => !gone.includes(digest)) };
  }

  async #takeManifests(view: RepositoryView): Promise<readonly Digest[]> {
    const { mayManifestGo } = this.#options;
    if (mayManifestGo === undefined) return [];
    const kind = '_manifests/revisions';
    const all = [...view.manifests.keys()];
    const young = (
      await this.#candidates(
        kind,
        all,
        (digest, modified) => !mayManifestGo(digest, modified) && !this.#wasFreed(digest, modified),
      )
    ).map(({ digest }) => digest);
    const live = liveManifests(view, [...view.tagged, ...young]);
    const doomed = [...all.filter(digest => !live.has(digest)), ...view.dangling, ...view.unlinked];
    const candidates = await this.#candidates(
      kind,
      doomed,
      (digest, modified) => mayManifestGo(digest, modified) || this.#wasFreed(digest, modified),
    );
    const gone = await this.#take(kind, candidates, after => {
      const named = referencedBy(after, after.manifests.keys());
      return digest => after.tagged.has(digest) || named.has(digest);
    });
    for (const digest of gone) {
      const modified = candidates.find(each => each.digest === digest)?.modified ?? 0;
      this.#free(view, digest, modified);
    }
    return gone;
  }

  /** Notes that what a removed manifest named, and what refers to it, is not needed for its sake any more. */
  #free({ manifests }: RepositoryView, digest: Digest, modified: number): void {
    const until = (each: Digest) => this.#freed.set(each, Math.max(this.#freed.get(each) ?? 0, modified));
    manifests.get(digest)?.all.forEach(until);
    for (const [referrer, { subject }] of manifests) {
      if (subject === digest) this.#freed.set(referrer, Number.POSITIVE_INFINITY);
    }
  }

  #wasFreed(digest: Digest, modified: number): boolean {
    const freed = this.#freed.get(digest);
    return freed !== undefined && modified <= Math.max(freed, this.#options.freedUntil?.(digest) ?? 0);
  }

  async #takeLayers(view: RepositoryView): Promise<readonly Digest[]> {
    const kind = '_layers';
    const referenced = referencedBy(view, view.manifests.keys());
    const doomed = [...view.layers].filter(digest => !referenced.has(digest));
    const mayGo: MayGo = (digest, modified) =>
      this.#options.mayLayerGo(digest, modified) || this.#wasFreed(digest, modified);
    return await this.#take(kind, await this.#candidates(kind, doomed, mayGo), after => {
      const named = referencedBy(after, after.manifests.keys());
      return digest => named.has(digest);
    });
  }

  async #candidates(kind: LinkKind, digests: readonly Digest[], mayGo: MayGo): Promise<readonly Candidate[]> {
    const found = await mapPool(
      digests,
      async digest => ({
        digest,
        modified: await linkedAt(this.#driver, { name: this.#name, kind, canonical: digest }),
      }),
      { limit: PARALLEL },
    );
    for (const { digest, modified } of found) {
      if (modified === undefined) await this.#removeEmpty(kind, digest);
    }
    return found.flatMap(({ digest, modified }) =>
      modified !== undefined && mayGo(digest, modified) ? [{ digest, modified }] : [],
    );
  }

  /** A folder without a link, which a crash left; who is about to write one makes the folder again then. */
  async #removeEmpty(kind: LinkKind, digest: Digest): Promise<void> {
    if (kind === '_layers') this.#empty.add(digest);
    if (this.#options.dryRun === true) return;
    const options = { before: this.#options.remainsBefore ?? 0, top: linkKindPath(this.#name, kind) };
    await removeRemains(this.#driver, linkFolder(this.#name, kind, digest), options);
  }

  /** Takes links away, looks once more, and puts back what is needed now. @returns those that are gone */
  async #take(
    kind: LinkKind,
    candidates: readonly Candidate[],
    needed: (after: RepositoryView) => (digest: Digest) => boolean,
  ): Promise<readonly Digest[]> {
    if (candidates.length === 0 || this.#options.dryRun === true)
      return candidates.map(({ digest }) => digest);
    const linkOf = (canonical: Digest): Link => ({ name: this.#name, kind, canonical });
    const taken = await mapPool(
      candidates,
      async ({ digest, modified }) => await takeLink(this.#driver, linkOf(digest), modified),
      { limit: PARALLEL },
    );
    const isNeeded = needed(await this.#read());
    const gone: Digest[] = [];
    for (const [index, { digest }] of candidates.entries()) {
      if (taken[index] !== true) continue;
      if (isNeeded(digest)) await undoTaking(this.#driver, linkOf(digest));
      else {
        await endTaking(this.#driver, linkOf(digest));
        gone.push(digest);
      }
    }
    return gone;
  }
}

/** Unlinks what no manifest of a repository needs, while others push to it. */
export async function collectRepository(
  driver: StorageDriver,
  name: RepositoryName,
  options: CollectRepositoryOptions,
): Promise<CollectedRepository> {
  return await new RepositoryCollection(driver, name, options).run();
}
