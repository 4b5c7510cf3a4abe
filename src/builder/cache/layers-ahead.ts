import type { LayoutStore, Lease } from '../../content/store.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import type { Digest } from '../../image/digest.ts';
import type { LayerCompression } from '../../image/media-types.ts';
import { compressLayer, type PreparedLayer, prepareLayer } from '../../layers/compress-layer.ts';
import type { Vertex } from '../execute/operation.ts';
import { Semaphore } from '../execute/semaphore.ts';

/** A repository that layers go up to, one by one; the command wires a registry client in. */
export interface LayerUploads {
  upload(layer: PreparedLayer, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** Somewhere that the layers of a build will go in the end. */
export interface AheadTarget {
  /** Whether the layer of a step will go there. */
  readonly wants: (vertex: Vertex) => boolean;
  readonly compression: LayerCompression;
  readonly level?: number | undefined;
  /** Left out where the layers go to a folder: they are compressed only. */
  readonly openUploads?: (() => Promise<LayerUploads>) | undefined;
}

interface AheadOptions {
  readonly store: LayoutStore;
  readonly lease: Lease;
  readonly signal: AbortSignal;
}

/** Steps and their inputs matter more than what is ready to go. */
const LAYERS_AT_ONCE = 2;

/**
 * Compresses and uploads the layers of finished steps while later ones run. What it has done is found later: the compressed
 * form in the store, and the blob at the registry. So who exports relies on none of it, and its failures are nobody's.
 */
export class LayersAhead {
  /** With the layers that were taken for them; one that failed is in here no more. */
  readonly #targets: Map<AheadTarget, Set<Digest>>;
  readonly #options: AheadOptions;
  readonly #semaphore = new Semaphore(LAYERS_AT_ONCE);
  readonly #uploads = new Map<AheadTarget, Promise<LayerUploads>>();
  readonly #work: Promise<void>[] = [];

  constructor(targets: readonly AheadTarget[], options: AheadOptions) {
    this.#targets = new Map(targets.map(target => [target, new Set()]));
    this.#options = options;
  }

  take(vertex: Vertex, layer: Descriptor): void {
    const targets: AheadTarget[] = [];
    for (const [target, taken] of this.#targets) {
      if (!target.wants(vertex) || taken.has(layer.digest)) continue;
      taken.add(layer.digest);
      targets.push(target);
    }
    if (targets.length > 0) this.#work.push(this.#semaphore.run(() => this.#send(layer, targets)));
  }

  /** Resolves when what has begun is done or has failed. */
  async close(): Promise<void> {
    await Promise.all(this.#work);
    for (const opened of await Promise.allSettled(this.#uploads.values())) {
      if (opened.status === 'fulfilled') opened.value.close();
    }
    this.#uploads.clear();
  }

  /** One target after the other: the second finds what was compressed for the first. */
  async #send(layer: Descriptor, targets: readonly AheadTarget[]): Promise<void> {
    const { store, lease, signal } = this.#options;
    if ((await store.stat(layer.digest)) === undefined) return; // it is named in another cache, and was not fetched
    for (const target of targets) {
      if (signal.aborted || !this.#targets.has(target)) continue;
      const { compression, level } = target;
      const options = { compression, level, lease, signal };
      try {
        if (target.openUploads === undefined) await compressLayer(store, layer, options);
        else await (await this.#open(target)).upload(await prepareLayer(store, layer, options), signal);
      } catch {
        // Done again by who exports, who tells of it; and a registry that fails once is not asked for each layer.
        this.#targets.delete(target);
      }
    }
  }

  #open(target: AheadTarget): Promise<LayerUploads> {
    let uploads = this.#uploads.get(target);
    if (uploads === undefined) {
      uploads = (target.openUploads as NonNullable<typeof target.openUploads>)();
      this.#uploads.set(target, uploads);
    }
    return uploads;
  }
}
