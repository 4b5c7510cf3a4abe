import { loadImage, type StoredImage } from '../content/resolve-image.ts';
import type { Lease } from '../content/store.ts';
import { HawserError, type SourceLocation } from '../errors/hawser-error.ts';
import type { ImageConfig } from '../image/config.ts';
import type { Descriptor } from '../image/descriptor.ts';
import type { Digest } from '../image/digest.ts';
import { formatPlatform, type Platform } from '../image/platform.ts';
import { formatReference, parseReference, withDefaultTag } from '../image/reference.ts';
import type { BuildEnvironment, ImageSource } from './environment.ts';
import { emptyState, extendState } from './execute/file-state.ts';
import { localBase, neitherFits, requireLocalBase } from './local-base.ts';
import { located } from './located.ts';
import type { BuildObserver, BuildVertex } from './observer.ts';
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
  /** By layer. */
  readonly #images = new Map<Digest, RemoteImage>();
  readonly #fetching = new Map<Digest, Promise<void>>();
  readonly #used = new Map<
    string,
    { readonly name: string; readonly platform: Platform; readonly digest: Digest }
  >();

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

  /** The images that were looked up, each with the digest that its name stood for. */
  get used(): readonly { readonly name: string; readonly platform: Platform; readonly digest: Digest }[] {
    return [...this.#used.values()];
  }

  /** Brings in a layer of a base image that the store lacks. */
  async fetchLayer(layer: Descriptor): Promise<void> {
    const { environment, lease, observer, signal } = this.#options;
    await lease.add(layer.digest);
    if ((await environment.store.stat(layer.digest)) !== undefined) return;
    const base = this.#images.get(layer.digest);
    if (base === undefined || environment.images?.fetchLayers === undefined) {
      throw new HawserError('BLOB_UNKNOWN', `layer ${layer.digest} is not in the local store`, {
        remedy: 'Pull the base image again.',
      });
    }
    // All at once: whoever reads one layer's files reads the others' too.
    const { reference, image, platform } = base;
    const { digest } = image.manifest;
    let fetching = this.#fetching.get(digest);
    if (fetching === undefined) {
      const vertex = { id: `pull ${digest}`, name: `pull ${reference}` };
      const onProgress = (progress: { readonly done: number; readonly total: number }) =>
        observer.vertexProgress?.(vertex, { what: 'pulling', ...progress });
      fetching = this.#observed(vertex, async () =>
        environment.images?.fetchLayers?.(reference, image, { platform, lease, signal, onProgress }),
      );
      this.#fetching.set(digest, fetching);
    }
    await fetching;
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
    const image = await loadImage(this.#options.environment.store, { descriptor }, { platform });
    return this.#use(name, { image }, platform);
  }

  async #use(name: string, { image, reference }: FoundImage, platform: Platform): Promise<ResolvedBase> {
    await this.#options.lease.add(image.descriptor.digest, image.manifest.digest);
    this.#configs.set(keyOf(name, platform), image.config.value);
    this.#used.set(keyOf(name, platform), { name, platform, digest: image.descriptor.digest });
    const { layers } = image.manifest.value;
    const { diff_ids: diffIDs } = image.config.value.rootfs;
    let state = emptyState;
    for (const [index, descriptor] of layers.entries()) {
      if (reference !== undefined) this.#images.set(descriptor.digest, { reference, image, platform });
      state = extendState(state, { descriptor, diffID: diffIDs[index] as Digest });
    }
    const vertex = { id: name, name: `FROM ${name}`, inputs: [], source: state };
    return { config: image.config.value, vertex };
  }

  async #find(name: string, platform: Platform): Promise<FoundImage> {
    const { environment, pull } = this.#options;
    const { store, images } = environment;
    if (images === undefined) return { image: await requireLocalBase(store, name, platform) };
    const local = pull ? {} : await localBase(store, name, platform);
    if (local.image !== undefined && (await isWhole(local.image, environment))) return { image: local.image };
    const reference = formatReference(withDefaultTag(parseReference(name)));
    try {
      return { image: await this.#fetch(reference, platform, images), reference };
    } catch (error) {
      throw local.unfit === undefined ? error : neitherFits(local.unfit, error);
    }
  }

  async #fetch(reference: string, platform: Platform, images: ImageSource): Promise<StoredImage> {
    const { environment, lease, signal } = this.#options;
    const vertex = { id: `resolve ${keyOf(reference, platform)}`, name: `resolve ${reference}` };
    return this.#observed(vertex, async () => {
      const { descriptor } = await images.resolve(reference, { platform, lease, signal });
      // An index narrows to the platform here, whatever the source gave.
      return loadImage(environment.store, { name: reference, descriptor }, { platform });
    });
  }

  async #observed<Found>(vertex: BuildVertex, work: () => Promise<Found>): Promise<Found> {
    const { observer } = this.#options;
    observer.vertexStarted(vertex);
    try {
      const found = await work();
      observer.vertexDone(vertex);
      return found;
    } catch (error) {
      observer.vertexFailed(vertex, error);
      throw error;
    }
  }
}

/** With the name that its source knows it by, where its layers may still be there only. */
interface FoundImage {
  readonly image: StoredImage;
  readonly reference?: string;
}

type RemoteImage = Required<FoundImage> & { readonly platform: Platform };

function keyOf(name: string, platform: Platform): string {
  return `${name} ${formatPlatform(platform)}`;
}

/** Whether its layers are here. */
async function isWhole(image: StoredImage, { store }: BuildEnvironment): Promise<boolean> {
  for (const { digest } of image.manifest.value.layers) {
    if ((await store.stat(digest)) === undefined) return false;
  }
  return true;
}
