import type { BlobFiles, BlobReader, BlobWriter } from '../content/store.ts';
import {
  type ConfigDocument,
  type HistoryEntry,
  type ImageConfig,
  serializeImageConfig,
} from '../image/config.ts';
import type { Digest } from '../image/digest.ts';
import { type ManifestOfImage, serializeManifest } from '../image/manifest.ts';
import { mediaTypes } from '../image/media-types.ts';
import {
  type LayerRange,
  type MergedLayer,
  type MergeLayersOptions,
  mergeLayersOnce,
} from './merge-layers.ts';
import { layersOf } from './unpack-image.ts';

export interface MergeableImage {
  readonly manifest: ManifestOfImage;
  readonly config: ConfigDocument;
}

export interface MergedImage extends MergeableImage {
  readonly layer: MergedLayer;
}

/** A history that tells every layer; what it leaves out is taken for the base image's, as builders do. */
export function wholeHistory({ history = [], rootfs }: ImageConfig): readonly HistoryEntry[] {
  const told = history.filter(entry => entry.empty_layer !== true).length;
  const missing = Math.max(0, rootfs.diff_ids.length - told);
  return [...Array.from({ length: missing }, () => ({ created_by: '<no history>' })), ...history];
}

/**
 * The history of an image whose layers of `range` became one: their entries stay, without a layer of their own, and one
 * for the new layer follows them, of the same time as the last.
 */
function mergeHistory(config: ImageConfig, range: LayerRange): readonly HistoryEntry[] {
  const merged: HistoryEntry[] = [];
  let layer = -1;
  for (const entry of wholeHistory(config)) {
    if (entry.empty_layer === true) {
      merged.push(entry);
      continue;
    }
    layer++;
    const isInside = layer >= range.from && layer <= range.to;
    merged.push(isInside ? { ...entry, empty_layer: true } : entry);
    if (layer !== range.to) continue;
    const ids = config.rootfs.diff_ids;
    merged.push({
      ...(entry.created === undefined ? {} : { created: entry.created }),
      created_by: 'hawser image merge',
      comment: `merge of ${range.to - range.from + 1} layers, ${ids[range.from]} to ${ids[range.to]}`,
    });
  }
  return merged;
}

function replaced<Item>(items: readonly Item[], { from, to }: LayerRange, item: Item): readonly Item[] {
  return [...items.slice(0, from), item, ...items.slice(to + 1)];
}

/**
 * An image with the layers of a range merged into one, and equal files. The new layer is in the store, uncompressed;
 * config and manifest are the caller's to store. The same image gives the same bytes.
 *
 * @throws HawserError as `mergeLayers`, MANIFEST_INVALID
 */
export async function mergeImage(
  store: BlobReader & BlobWriter & BlobFiles,
  image: MergeableImage,
  options: MergeLayersOptions,
): Promise<MergedImage> {
  const { range } = options;
  const [before, value] = [image.manifest.value, image.config.value];
  const layer = await mergeLayersOnce(store, layersOf(before, value), options);
  const config = serializeImageConfig({
    ...value,
    rootfs: { type: 'layers', diff_ids: replaced<Digest>(value.rootfs.diff_ids, range, layer.diffID) },
    history: mergeHistory(value, range),
  });
  const isDocker = image.manifest.mediaType === mediaTypes.dockerManifest;
  const descriptor = {
    mediaType: isDocker ? mediaTypes.dockerLayer : mediaTypes.ociLayer,
    digest: layer.diffID,
    size: layer.size,
  };
  const manifest = serializeManifest({
    ...before,
    config: { ...before.config, digest: config.digest, size: config.bytes.length },
    layers: replaced(before.layers, range, descriptor),
  });
  return { config, manifest, layer };
}
