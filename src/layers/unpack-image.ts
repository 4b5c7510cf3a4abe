import { randomBytes } from 'node:crypto';
import type { Arrivals, ArrivingBlob } from '../content/arrivals.ts';
import type { BlobFiles, BlobReader } from '../content/store.ts';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { extendChainID } from '../image/chain-id.ts';
import type { ImageConfig } from '../image/config.ts';
import type { Descriptor } from '../image/descriptor.ts';
import type { Digest } from '../image/digest.ts';
import type { ImageManifest } from '../image/manifest.ts';
import { layerCompressionOf } from '../image/media-types.ts';
import { throwIfAborted } from '../util/abort.ts';
import { applyLayer } from './apply.ts';
import type { LayerSource } from './compression-file.ts';
import { despitePruning } from './despite-pruning.ts';
import { followArrival } from './growing-file.ts';
import type { Snapshotter } from './snapshotter.ts';

/** One layer of a stack. */
export interface StackLayer {
  readonly descriptor: Descriptor;
  readonly diffID: Digest;
}

interface UnpackProgress {
  readonly layer: StackLayer;
  /** From 0. */
  readonly index: number;
  readonly state: 'present' | 'unpacking' | 'done';
}

export interface UnpackOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: UnpackProgress) => void;
  /** Brings in a layer that the store may lack; called only for what has to be unpacked. */
  readonly fetchLayer?: (descriptor: Descriptor) => Promise<void>;
  /** Layers that are on their way: they are unpacked while they arrive. */
  readonly arrivals?: Pick<Arrivals, 'begun'>;
}

interface ChainedLayer extends StackLayer {
  readonly index: number;
  readonly chainID: Digest;
}

function chained(layers: readonly StackLayer[]): readonly ChainedLayer[] {
  let chainID: Digest | undefined;
  return layers.map((layer, index) => {
    chainID = extendChainID(chainID, layer.diffID);
    return { ...layer, index, chainID };
  });
}

type Store = BlobReader & BlobFiles;

async function applyTo(store: Store, layer: ChainedLayer, root: string, options: UnpackOptions) {
  const { descriptor, diffID, index } = layer;
  throwIfAborted(options.signal);
  const compression = layerCompressionOf(descriptor.mediaType);
  if (compression === undefined) {
    throw new HawserError(
      'LAYER_INVALID',
      `layer ${descriptor.digest} has the media type ${JSON.stringify(descriptor.mediaType)}, which is no layer's`,
    );
  }
  options.onProgress?.({ layer, index, state: 'unpacking' });
  await options.fetchLayer?.(descriptor);
  const target = { root, diffID, signal: options.signal };
  const arriving = await options.arrivals?.begun(descriptor.digest);
  const path = store.pathOf(descriptor.digest);
  if (arriving === undefined || !(await applyArriving(arriving, { path, compression }, target))) {
    if ((await store.stat(descriptor.digest)) === undefined) {
      throw new HawserError('BLOB_UNKNOWN', `layer ${descriptor.digest} is not in the store`);
    }
    await applyLayer({ path, compression }, root, { ...target, whiteouts: 'remove' });
  }
  options.onProgress?.({ layer, index, state: 'done' });
}

/**
 * Applies a layer while it arrives; it counts only once it has arrived whole and verified.
 *
 * @returns false where it has arrived before it could be opened: then it is in the store
 */
async function applyArriving(
  blob: ArrivingBlob,
  source: LayerSource,
  target: { readonly root: string; readonly diffID: Digest; readonly signal: AbortSignal | undefined },
): Promise<boolean> {
  let following: ReturnType<typeof followArrival>;
  try {
    following = followArrival(blob);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
    await blob.done;
    return false;
  }
  try {
    const growing = following.file;
    await applyLayer({ ...source, growing }, target.root, { ...target, whiteouts: 'remove' });
    await blob.done;
  } finally {
    following.stop();
  }
  return true;
}

/** Applies `layers` on top of `parent`, one after the other in one tree, and commits that as the last one's chainID. */
async function unpackOnto(
  parts: { readonly store: Store; readonly snapshotter: Snapshotter },
  parent: Digest | undefined,
  layers: readonly ChainedLayer[],
  options: UnpackOptions,
): Promise<void> {
  const last = layers.at(-1);
  if (last === undefined) return;
  const key = `unpack-${process.pid}-${randomBytes(6).toString('hex')}`;
  const active = await parts.snapshotter.prepare(key, parent);
  try {
    // Through the mount, so that links of lower layers are followed, and hard links to their files copy them up.
    const root = await active.mount();
    for (const layer of layers) await applyTo(parts.store, layer, root, options);
    await parts.snapshotter.commit(active, last.chainID);
  } catch (error) {
    await active.discard();
    throw error;
  }
}

/**
 * Makes the snapshot of a stack of layers, from the lowest that is missing, and says its chainID; undefined for no
 * layers. What was unpacked before a failure stays, as whole snapshots; of the layer that failed nothing does.
 *
 * @throws HawserError BLOB_UNKNOWN, LAYER_INVALID, LAYER_ENTRY_INVALID, COMPRESSION_INVALID, DIGEST_INVALID, NO_SPACE, ABORTED
 */
export async function unpackLayers(
  store: Store,
  snapshotter: Snapshotter,
  options: UnpackOptions & { readonly layers: readonly StackLayer[] },
): Promise<Digest | undefined> {
  const layers = chained(options.layers);
  const top = layers.at(-1);
  if (top === undefined) return undefined;
  await despitePruning(() => unpackMissing({ store, snapshotter }, layers, options));
  return top.chainID;
}

async function unpackMissing(
  parts: { readonly store: Store; readonly snapshotter: Snapshotter },
  layers: readonly ChainedLayer[],
  options: UnpackOptions,
): Promise<void> {
  const { snapshotter } = parts;
  let present = layers.length; // how many of the lowest layers need no work
  while (
    present > 0 &&
    (await snapshotter.stat((layers[present - 1] as ChainedLayer).chainID)) === undefined
  ) {
    present--;
  }
  for (const layer of layers.slice(0, present)) {
    options.onProgress?.({ layer, index: layer.index, state: 'present' });
  }
  const missing = layers.slice(present);
  const parent = layers[present - 1]?.chainID;
  if (snapshotter.kind === 'copy') {
    // A snapshot of each layer would be a copy of the whole tree each.
    return unpackOnto(parts, parent, missing, options);
  }
  for (const layer of missing) {
    const below = layers[layer.index - 1]?.chainID;
    await unpackOnto(parts, below, [layer], options);
  }
}

/** Pairs the layers of a manifest with the diffIDs of its config. @throws HawserError MANIFEST_INVALID */
export function layersOf(manifest: ImageManifest, config: ImageConfig): readonly StackLayer[] {
  const diffIDs = config.rootfs.diff_ids;
  if (diffIDs.length !== manifest.layers.length) {
    throw new HawserError(
      'MANIFEST_INVALID',
      `the manifest has ${manifest.layers.length} layers, and its config ${diffIDs.length} diff_ids`,
    );
  }
  return manifest.layers.map((descriptor, index) => ({ descriptor, diffID: diffIDs[index] as Digest }));
}

/** What `resolveImage` and `pullImage` give. */
export interface UnpackableImage {
  readonly manifest: { readonly value: ImageManifest };
  readonly config: { readonly value: ImageConfig };
}

/** Makes the snapshot of an image; see `unpackLayers`. */
export async function unpackImage(
  store: Store,
  snapshotter: Snapshotter,
  image: UnpackableImage,
  options: UnpackOptions = {},
): Promise<Digest | undefined> {
  const layers = layersOf(image.manifest.value, image.config.value);
  return unpackLayers(store, snapshotter, { ...options, layers });
}
