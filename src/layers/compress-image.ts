import type { BlobFiles, BlobReader, BlobWriter } from '../content/store.ts';
import type { Descriptor } from '../image/descriptor.ts';
import { type ManifestOfImage, serializeManifest } from '../image/manifest.ts';
import { type CompressLayerOptions, compressLayer } from './compress-layer.ts';

/**
 * The manifest of an image whose plain layers are compressed, in the store with all that it names; the config, and so the
 * image's id, stays. Where nothing is plain it is the one that was given.
 *
 * @throws HawserError as `prepareLayer`
 */
export async function compressImage(
  store: BlobReader & BlobWriter & BlobFiles,
  manifest: ManifestOfImage,
  options: CompressLayerOptions,
): Promise<ManifestOfImage> {
  const { lease, signal } = options;
  const layers: Descriptor[] = [];
  // One after the other: gzip takes all processors as it is.
  for (const layer of manifest.value.layers) layers.push(await compressLayer(store, layer, options));
  if (layers.every((layer, index) => layer === manifest.value.layers[index])) return manifest;
  const compressed = serializeManifest({ ...manifest.value, layers });
  const { digest, bytes } = compressed;
  await store.ingest([bytes], { digest, size: bytes.length, signal, ...(lease && { lease }) });
  return compressed;
}
