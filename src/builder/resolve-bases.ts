import { loadImage, resolveImage, type StoredImage } from '../content/resolve-image.ts';
import type { Lease } from '../content/store.ts';
import { HawserError, isHawserError, type SourceLocation } from '../errors/hawser-error.ts';
import type { ImageConfig } from '../image/config.ts';
import type { Descriptor } from '../image/descriptor.ts';
import type { Digest } from '../image/digest.ts';
import { formatPlatform, type Platform } from '../image/platform.ts';
import { formatReference, parseReference, withDefaultTag } from '../image/reference.ts';
import type { BuildEnvironment } from './environment.ts';
import { emptyState, extendState } from './execute/file-state.ts';
import { located } from './located.ts';
import type { BuildObserver } from './observer.ts';
import type { ResolvedBase } from './plan/plan-build.ts';

export interface BasesOptions {
  readonly environment: BuildEnvironment;
  readonly observer: BuildObserver;
  readonly lease: Lease;
  readonly pull: boolean;
  readonly signal: AbortSignal;
}

/** The base images of one build: each is looked up once, and stands for one digest throughout. */
export class Bases {
  readonly #options: BasesOptions;
  readonly #resolved = new Map<string, Promise<ResolvedBase>>();
  readonly #configs = new Map<string, ImageConfig>();
  readonly #images = new Map<Digest, { readonly image: StoredImage; readonly platform: Platform }>();

  constructor(options: BasesOptions) {
    this.#options = options;
  }

  async resolve(name: string, platform: Platform, location: SourceLocation): Promise<ResolvedBase> {
    const key = keyOf(name, platform);
    let resolved = this.#resolved.get(key);
    if (resolved === undefined) {
      resolved = this.#resolve(name, platform, location);
      this.#resolved.set(key, resolved);
    }
    return resolved;
  }

  /** The config of an image that is resolved already. */
  configOf(name: string, platform: Platform): ImageConfig | undefined {
    return this.#configs.get(keyOf(name, platform));
  }

  /** Brings in a layer of a base image that the store lacks. */
  async fetchLayer(layer: Descriptor): Promise<void> {
    const { environment, lease, signal } = this.#options;
    await lease.add(layer.digest);
    if ((await environment.store.stat(layer.digest)) !== undefined) return;
    const base = this.#images.get(layer.digest);
    if (base === undefined || environment.images?.fetchLayer === undefined) {
      throw new HawserError('BLOB_UNKNOWN', `layer ${layer.digest} is not in the local store`, {
        remedy: 'Pull the base image again.',
      });
    }
    await environment.images.fetchLayer(base.image, layer, { platform: base.platform, signal });
  }

  async #resolve(name: string, platform: Platform, location: SourceLocation): Promise<ResolvedBase> {
    try {
      return await this.#use(name, await this.#find(name, platform), platform);
    } catch (error) {
      throw located(error, location);
    }
  }

  /** A base that is in the store already, under whatever name. */
  async useImage(name: string, descriptor: Descriptor, platform: Platform): Promise<ResolvedBase> {
    return this.#use(
      name,
      await loadImage(this.#options.environment.store, { descriptor }, { platform }),
      platform,
    );
  }

  async #use(name: string, image: StoredImage, platform: Platform): Promise<ResolvedBase> {
    await this.#options.lease.add(image.descriptor.digest, image.manifest.digest);
    this.#configs.set(keyOf(name, platform), image.config.value);
    const { layers } = image.manifest.value;
    const { diff_ids: diffIDs } = image.config.value.rootfs;
    let state = emptyState;
    for (const [index, descriptor] of layers.entries()) {
      this.#images.set(descriptor.digest, { image, platform });
      state = extendState(state, { descriptor, diffID: diffIDs[index] as Digest });
    }
    const vertex = { id: name, name: `FROM ${name}`, inputs: [], source: state };
    return { config: image.config.value, vertex };
  }

  async #find(name: string, platform: Platform): Promise<StoredImage> {
    const { environment, pull } = this.#options;
    const { store } = environment;
    const local = pull ? undefined : await orUnknown(resolveImage(store, name, { platform }));
    const usable =
      local === undefined || environment.images === undefined || (await isUsable(local, environment));
    if (local !== undefined && usable) return local;
    if (environment.images === undefined) return resolveImage(store, name, { platform });
    return this.#fetch(formatReference(withDefaultTag(parseReference(name))), platform);
  }

  async #fetch(reference: string, platform: Platform): Promise<StoredImage> {
    const { environment, observer, signal } = this.#options;
    const vertex = { id: `resolve ${reference}`, name: `resolve ${reference}` };
    observer.vertexStarted(vertex);
    try {
      const image = await (environment.images as NonNullable<typeof environment.images>).resolve(reference, {
        platform,
        signal,
      });
      observer.vertexDone(vertex);
      // An index narrows to the platform here, whatever the source gave.
      return await loadImage(
        environment.store,
        { name: reference, descriptor: image.descriptor },
        { platform },
      );
    } catch (error) {
      observer.vertexFailed(vertex, error);
      throw error;
    }
  }
}

function keyOf(name: string, platform: Platform): string {
  return `${name} ${formatPlatform(platform)}`;
}

/** Undefined where the store has no such image, or not for the platform. */
async function orUnknown(finding: Promise<StoredImage>): Promise<StoredImage | undefined> {
  try {
    return await finding;
  } catch (error) {
    const isUnknown = ['IMAGE_UNKNOWN', 'PLATFORM_UNAVAILABLE', 'BLOB_UNKNOWN'].some(
      code => isHawserError(error) && error.code === code,
    );
    if (isUnknown) return undefined;
    throw error;
  }
}

/** Whether its layers are here, or can still be fetched one by one. */
async function isUsable(image: StoredImage, environment: BuildEnvironment): Promise<boolean> {
  if (environment.images?.fetchLayer !== undefined) return true;
  for (const { digest } of image.manifest.value.layers) {
    if ((await environment.store.stat(digest)) === undefined) return false;
  }
  return true;
}
