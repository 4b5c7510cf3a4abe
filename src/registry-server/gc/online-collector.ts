import { setTimeout as delay } from 'node:timers/promises';
import type { RepositoryName } from '../../distribution/names.ts';
import { messageOf } from '../../errors/hawser-error.ts';
import { type Digest, digestAlgorithm } from '../../image/digest.ts';
import type { Logger } from '../log/logger.ts';
import { Periodic } from '../maintenance/periodic.ts';
import type { GarbageNotes } from '../registry-context.ts';
import type { StorageDriver } from '../storage/driver.ts';
import { readLink } from '../storage/links.ts';
import { blobAliasPath } from '../storage/paths.ts';
import type { Volume } from '../storage/volume.ts';
import { collectRepository } from './collect-repository.ts';
import { collectGarbage, prepareCollecting, withCollectorLock } from './collector.ts';
import { removeUnlinked } from './remove-blobs.ts';
import { ReferenceCache, type RepositoryView } from './repository-view.ts';

export interface GarbageSettings {
  /** Milliseconds between two looks at the whole volume. */
  readonly interval: number;
  /** Milliseconds for which what was pushed and is not needed yet stays. */
  readonly grace: number;
  /** Milliseconds after a delete until what it freed is unlinked, and from there until it is removed. */
  readonly delay: number;
  /** Whether manifests that no tag reaches go. */
  readonly untagged: boolean;
}

export const defaultGarbageSettings: GarbageSettings = {
  interval: 3_600_000,
  grace: 3_600_000,
  delay: 2000,
  untagged: false,
};

/** Milliseconds from the start to the first look at the whole volume. */
const FIRST_RUN = 60_000;
const KEPT_CLAIMS = 20_000;

/** By digest: links that are not younger may go. */
type Freed = Map<Digest, number>;

interface FreedContent {
  readonly manifests: Freed;
  readonly layers: Freed;
}

function free(freed: Freed, digest: Digest, until: number): void {
  freed.set(digest, Math.max(freed.get(digest) ?? 0, until));
}

/**
 * Collects garbage while the registry serves: what a delete freed at once, in two steps, so that a push that goes on can
 * still claim it; everything else with a look at the whole volume now and then.
 */
export class OnlineCollector implements GarbageNotes {
  readonly #driver: StorageDriver;
  readonly #volume: Volume;
  readonly #settings: GarbageSettings;
  readonly #logger: Logger;
  readonly #cache = new ReferenceCache();
  /** Ends when what a collector needs on a full disk is there, or cannot be made. */
  readonly prepared: Promise<void>;
  readonly #periodic: Periodic;
  readonly #stop = new AbortController();
  #freed = new Map<RepositoryName, FreedContent>();
  #unlinked = new Set<Digest>();
  /** By repository and digest: until when links to what is still needed were written for manifests that are gone. */
  readonly #claimed = new Map<string, number>();
  #running: Promise<void> | undefined;

  constructor(
    parts: { readonly driver: StorageDriver; readonly volume: Volume; readonly logger: Logger },
    settings: GarbageSettings,
  ) {
    this.#driver = parts.driver;
    this.#volume = parts.volume;
    this.#logger = parts.logger;
    this.#settings = settings;
    const { interval } = settings;
    const schedule = {
      name: 'garbage collection',
      delay: Math.min(FIRST_RUN, interval),
      interval,
      logger: parts.logger,
    };
    this.prepared = prepareCollecting(parts.driver).catch((error: unknown) => {
      parts.logger.log('warn', `garbage collection: ${messageOf(error)}`);
    });
    this.#periodic = new Periodic(schedule, signal => this.#collectAll(signal));
  }

  get wantsUntagged(): boolean {
    return this.#settings.untagged;
  }

  async noteUntagged(name: RepositoryName, digest: Digest): Promise<void> {
    const [canonical] = await this.#volume.manifests.digestsOf(name, digest);
    if (canonical === undefined) return;
    free(this.#contentOf(name).manifests, canonical, Date.now());
    this.#schedule();
  }

  async beforeDelete(name: RepositoryName, canonical: Digest): Promise<() => void> {
    const references = await this.#cache.get(this.#driver, canonical);
    const named = references === undefined || references === 'broken' ? [] : references.all;
    const pushedAt = (await this.#volume.manifests.pushedAt(name, canonical)) ?? 0;
    const digests = await Promise.all(named.map(digest => this.#canonicalOf(digest)));
    return () => {
      const { manifests, layers } = this.#contentOf(name);
      // What was pushed before the manifest was pushed for it, unless somebody pushed it again since.
      for (const digest of digests) {
        free(layers, digest, pushedAt);
        free(manifests, digest, pushedAt);
      }
      this.#unlinked.add(canonical);
      this.#schedule();
    };
  }

  async #canonicalOf(digest: Digest): Promise<Digest> {
    if (digestAlgorithm(digest) === 'sha256') return digest;
    return (await readLink(this.#driver, blobAliasPath(digest))) ?? digest;
  }

  noteUnlinked(canonical: Digest): void {
    this.#unlinked.add(canonical);
    this.#schedule();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all([this.prepared, this.#periodic.close(), this.#running]);
  }

  #contentOf(name: RepositoryName): FreedContent {
    let found = this.#freed.get(name);
    if (found === undefined) {
      found = { manifests: new Map(), layers: new Map() };
      this.#freed.set(name, found);
    }
    return found;
  }

  #schedule(): void {
    if (this.#stop.signal.aborted) return;
    this.#running ??= this.#collectFreed();
  }

  /** Until there is nothing left to do. */
  async #collectFreed(): Promise<void> {
    const { signal } = this.#stop;
    const pause = () => delay(this.#settings.delay, undefined, { signal, ref: false });
    let unlinked: readonly Digest[] = [];
    try {
      while (this.#freed.size > 0 || this.#unlinked.size > 0 || unlinked.length > 0) {
        await pause();
        const removable = unlinked;
        unlinked = await this.#unlinkFreed();
        if (removable.length > 0) await this.#remove(removable);
      }
    } catch (error) {
      // What was not done is done by the next look at the whole volume.
      if (!signal.aborted) this.#logger.log('error', `garbage collection: ${messageOf(error)}`);
    } finally {
      this.#running = undefined;
    }
  }

  /** @returns content whose last link may be gone */
  async #unlinkFreed(): Promise<readonly Digest[]> {
    const freed = this.#freed;
    const unlinked = this.#unlinked;
    this.#freed = new Map();
    this.#unlinked = new Set();
    if (freed.size === 0) return [...unlinked];
    return await withCollectorLock(
      this.#driver,
      async () => {
        for (const [name, content] of freed) {
          const options = this.#optionsFor(name, content);
          const collected = await collectRepository(this.#driver, name, options);
          for (const digest of [...collected.manifests, ...collected.layers]) unlinked.add(digest);
          this.#remember(name, [...content.layers, ...collected.freed], collected.view);
        }
        return [...unlinked];
      },
      this.#stop.signal,
    );
  }

  /** What is still needed was pushed for several manifests: when the last of them goes, the others must not be forgotten. */
  #remember(name: RepositoryName, freed: readonly (readonly [Digest, number])[], view: RepositoryView): void {
    for (const [digest, until] of freed) {
      const key = `${name}@${digest}`;
      const known = this.#claimed.get(key) ?? 0;
      this.#claimed.delete(key);
      if (view.layers.has(digest)) this.#claimed.set(key, Math.max(known, until));
    }
    for (const oldest of this.#claimed.keys()) {
      if (this.#claimed.size <= KEPT_CLAIMS) break;
      this.#claimed.delete(oldest);
    }
  }

  #optionsFor(name: RepositoryName, { manifests, layers }: FreedContent) {
    const claimed = (digest: Digest) => this.#claimed.get(`${name}@${digest}`) ?? 0;
    return {
      cache: this.#cache,
      mayManifestGo: this.#settings.untagged
        ? (digest: Digest, modified: number) => modified <= (manifests.get(digest) ?? 0)
        : undefined,
      mayLayerGo: (digest: Digest, modified: number) =>
        layers.has(digest) && modified <= Math.max(layers.get(digest) ?? 0, claimed(digest)),
      freedUntil: claimed,
    };
  }

  async #remove(digests: readonly Digest[]): Promise<void> {
    const { signal } = this.#stop;
    const removed = await withCollectorLock(
      this.#driver,
      () => removeUnlinked(this.#driver, digests),
      signal,
    );
    if (removed.length === 0) return;
    this.#logger.log('info', 'garbage collected', {
      'gc.blobs': removed.length,
      'gc.bytes': removed.reduce((sum, { size }) => sum + size, 0),
    });
  }

  async #collectAll(signal: AbortSignal): Promise<void> {
    const { grace, untagged } = this.#settings;
    const started = performance.now();
    const { repositories, manifests, links, blobs, size } = await collectGarbage(this.#driver, {
      grace,
      untagged,
      signal,
    });
    this.#logger.log('info', 'garbage collected on the whole volume', {
      'gc.repositories': repositories,
      'gc.manifests': manifests,
      'gc.links': links,
      'gc.blobs': blobs,
      'gc.bytes': size,
      'gc.duration': `${Math.round(performance.now() - started)}ms`,
    });
  }
}
