import type { LayoutStore, Lease } from '../../content/store.ts';
import { HawserError, isHawserError, messageOf } from '../../errors/hawser-error.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import type { Digest } from '../../image/digest.ts';
import { layerCompressionOf, mediaTypes } from '../../image/media-types.ts';
import type { Platform } from '../../image/platform.ts';
import type { PreparedLayer } from '../../layers/compress-layer.ts';
import { type BuildCache, type CachedLayer, withCaches } from './build-cache.ts';
import type { CacheStep } from './cache-document.ts';
import { type CacheSource, type LoadedCache, loadCache } from './cache-source.ts';

export interface ImportedCacheOptions {
  readonly store: LayoutStore;
  /** Remembers the steps whose layers were brought in. */
  readonly cache: BuildCache;
  /** Those that are built: an image that has its cache inline has one for each. */
  readonly platforms: readonly Platform[];
  readonly warn: (message: string) => void;
}

/** A key that was found, and where its layer is to be had. */
interface Offer {
  readonly step: CacheStep;
  readonly origin: LoadedCache;
}

interface UseOptions {
  readonly lease: Lease;
  readonly signal: AbortSignal;
}

/**
 * The caches of `--cache-from`. They are read when a step is not in the local cache, and a layer is fetched when somebody
 * needs its files: it is unpacked into the plain archive whose digest the diffID is, so that a cache cannot give other
 * files than it named. What a source cannot give is forgotten; `losses` then tells that the build has to be tried again.
 */
export class ImportedCache {
  readonly #options: ImportedCacheOptions;
  readonly #sources: readonly CacheSource[];
  #loading: Promise<void> | undefined;
  readonly #offers = new Map<Digest, Offer[]>();
  /** Steps that a build relies on, by the layer that they came to. */
  readonly #used = new Map<
    Digest,
    { readonly key: Digest; readonly name: string; readonly offer: Offer }[]
  >();
  readonly #fetching = new Map<Digest, Promise<void>>();
  #losses = 0;
  #loaded: readonly LoadedCache[] = [];

  constructor(sources: readonly CacheSource[], options: ImportedCacheOptions) {
    this.#sources = sources;
    this.#options = options;
  }

  /** How often a layer that was promised could not be had. */
  get losses(): number {
    return this.#losses;
  }

  /** @param name The step as the Dockerfile has it. */
  async find(key: Digest, name: string, options: UseOptions): Promise<CachedLayer | undefined> {
    this.#loading ??= this.#load(options.signal);
    await this.#loading;
    const [offer] = this.#offers.get(key) ?? [];
    if (offer === undefined) return undefined;
    const { diffID, size, created, caches } = offer.step;
    const descriptor: Descriptor = { mediaType: mediaTypes.ociLayer, digest: diffID, size };
    await options.lease.add(diffID);
    const layer = withCaches({ descriptor, diffID, created }, caches);
    if (await this.#isHere(descriptor)) {
      await this.#options.cache.put(key, { ...layer, step: name });
      return layer;
    }
    const used = this.#used.get(diffID) ?? [];
    used.push({ key, name, offer });
    this.#used.set(diffID, used);
    return layer;
  }

  /** Brings in a layer of a step that was found; false for any other layer. */
  async fetch(descriptor: Descriptor, options: UseOptions): Promise<boolean> {
    const used = this.#used.get(descriptor.digest);
    if (used === undefined) return false;
    if (await this.#isHere(descriptor)) return true;
    let fetching = this.#fetching.get(descriptor.digest);
    if (fetching === undefined) {
      fetching = this.#fetch(descriptor, options).finally(() => this.#fetching.delete(descriptor.digest));
      this.#fetching.set(descriptor.digest, fetching);
    }
    await fetching;
    const { digest: diffID } = descriptor;
    for (const { key, name, offer } of used) {
      const { created, caches } = offer.step;
      await this.#options.cache.put(key, withCaches({ descriptor, diffID, created, step: name }, caches));
    }
    return true;
  }

  /** Fills a new cache mount with what came along with a cache. @throws as `restoreMount` does */
  async restoreMount(folder: string, key: string, options: UseOptions): Promise<void> {
    this.#loading ??= this.#load(options.signal);
    await this.#loading;
    const { store, warn } = this.#options;
    const { restoreMount } = await import('./mount-artifacts.ts');
    await restoreMount(folder, key, { ...options, store, warn, caches: this.#loaded });
  }

  /** How a layer goes out that is still where it was found, as it is there; undefined for any other. */
  prepared(digest: Digest, signal: AbortSignal): PreparedLayer | undefined {
    const found = this.#used.get(digest)?.find(({ offer }) => remoteOf(offer) !== undefined)?.offer;
    const remote = found === undefined ? undefined : remoteOf(found);
    if (found === undefined || remote === undefined) return undefined;
    return { descriptor: remote, open: () => found.origin.source.blob(remote, signal) };
  }

  async #isHere({ digest, size }: Descriptor): Promise<boolean> {
    return (await this.#options.store.stat(digest))?.size === size;
  }

  async #load(signal: AbortSignal): Promise<void> {
    const { platforms, warn } = this.#options;
    const wanted = this.#sources.flatMap(source => platforms.map(platform => ({ source, platform })));
    const loads = wanted.map(async ({ source, platform }) => {
      try {
        return await loadCache(source, { platform, signal });
      } catch (error) {
        if (signal.aborted || !isHawserError(error)) throw error;
        warn(`nothing is taken from ${source.name}: ${messageOf(error)}`);
        return undefined;
      }
    });
    // In the order of the flags, whichever answers first.
    this.#loaded = (await Promise.all(loads)).filter(origin => origin !== undefined);
    for (const origin of this.#loaded) {
      for (const step of origin.steps) {
        const offers = this.#offers.get(step.key) ?? [];
        offers.push({ step, origin });
        // Who has the layer comes before who only names it.
        offers.sort(
          (left, right) => Number(right.step.layer !== undefined) - Number(left.step.layer !== undefined),
        );
        this.#offers.set(step.key, offers);
      }
    }
  }

  async #fetch(descriptor: Descriptor, { lease, signal }: UseOptions): Promise<void> {
    const used = this.#used.get(descriptor.digest) ?? [];
    const offer = used.find(({ offer: { step } }) => step.layer !== undefined)?.offer;
    const remote = offer === undefined ? undefined : remoteOf(offer);
    if (offer === undefined || remote === undefined) {
      this.#forget(({ step }) => step.layer === undefined);
      throw lost(descriptor, 'no cache has it');
    }
    try {
      await this.#ingest(offer, remote, { descriptor, lease, signal });
    } catch (error) {
      if (signal.aborted || !isHawserError(error) || isHawserError(error, 'NO_SPACE')) throw error;
      const { source } = offer.origin;
      this.#options.warn(`nothing more is taken from ${source.name}: ${messageOf(error)}`);
      this.#forget(({ origin }) => origin.source === source);
      throw lost(descriptor, messageOf(error), error);
    }
  }

  async #ingest(
    offer: Offer,
    remote: Descriptor,
    options: UseOptions & { readonly descriptor: Descriptor },
  ): Promise<void> {
    const { descriptor, lease, signal } = options;
    const compression = layerCompressionOf(remote.mediaType);
    if (compression === undefined) {
      throw new HawserError('LAYER_INVALID', `${JSON.stringify(remote.mediaType)} is no layer's media type`);
    }
    const bytes = offer.origin.source.blob(remote, signal);
    const { decompress } = await import('../../layers/compression.ts');
    await this.#options.store.ingest(decompress(bytes, compression), {
      digest: descriptor.digest,
      size: descriptor.size,
      lease,
      signal,
    });
    // What the store had already is not measured.
    if (!(await this.#isHere(descriptor))) {
      throw new HawserError(
        'SIZE_INVALID',
        `the layer ${descriptor.digest} does not have ${descriptor.size} bytes`,
      );
    }
  }

  #forget(isGone: (offer: Offer) => boolean): void {
    this.#losses++;
    for (const [key, offers] of this.#offers) {
      const left = offers.filter(offer => !isGone(offer));
      if (left.length === 0) this.#offers.delete(key);
      else this.#offers.set(key, left);
    }
    // What they said of layers that others have as well is said again in the next try.
    this.#used.clear();
  }
}

function remoteOf({ step, origin }: Offer): Descriptor | undefined {
  return step.layer === undefined ? undefined : origin.layers[step.layer];
}

function lost({ digest }: Descriptor, why: string, cause?: unknown): HawserError {
  return new HawserError('BLOB_UNKNOWN', `the layer ${digest} of a build cache cannot be had: ${why}`, {
    cause,
    remedy: 'Build without this --cache-from.',
  });
}
