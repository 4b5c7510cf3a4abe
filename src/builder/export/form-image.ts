import { HawserError } from '../../errors/hawser-error.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import type { Digest } from '../../image/digest.ts';
import { type ImageIndex, serializeManifest } from '../../image/manifest.ts';
import { type LayerCompression, layerCompressionOf, mediaTypes } from '../../image/media-types.ts';
import { formatPlatform, type Platform } from '../../image/platform.ts';
import { mapPool } from '../../util/pool.ts';
import type { FinishedImage } from './finish-image.ts';
import type { Annotation, AnnotationPlace, ImageForm } from './output.ts';
import {
  descriptorOf,
  type FormedImage,
  type PlatformImage,
  type StoreWork,
  storeDocument,
} from './platform-image.ts';

/** Layers that are compressed at once; each takes all processors itself. */
const PARALLEL_LAYERS = 2;

const dockerLayers: Readonly<Record<LayerCompression, string>> = {
  uncompressed: mediaTypes.dockerLayer,
  gzip: mediaTypes.dockerLayerGzip,
  zstd: mediaTypes.dockerLayerZstd,
};

/**
 * The image in a form, in the store. The same images and form give the same bytes.
 *
 * @param options.isIndex Makes an index, of one platform too.
 * @throws HawserError INVALID_ARGUMENT for an annotation that has no place, NO_SPACE, STORE_CORRUPT, REQUIREMENT_MISSING
 */
export async function formImage(
  images: readonly PlatformImage[],
  form: ImageForm,
  options: StoreWork & { readonly isIndex: boolean },
): Promise<FormedImage> {
  checkAnnotations(form.annotations ?? [], images, options.isIndex);
  const parts: PlatformImage[] = [];
  for (const part of images) parts.push(await formPart(part, form, options));
  const [first] = parts;
  if (first === undefined) throw new Error('there is no image');
  const document = options.isIndex ? serializeManifest(indexOf(parts, form)) : first.image.manifest;
  if (options.isIndex) await storeDocument(options, document);
  return { descriptor: descriptorOf(document), document, parts };
}

async function formPart(part: PlatformImage, form: ImageForm, work: StoreWork): Promise<PlatformImage> {
  const { manifest, config } = part.image;
  const { layers } = manifest.value;
  const { diff_ids: diffIDs } = config.value.rootfs;
  const formed = await mapPool(
    [...layers.entries()],
    ([index, layer]) => formLayer({ layer, diffID: diffIDs[index] as Digest }, form, work),
    { limit: PARALLEL_LAYERS, signal: work.signal },
  );
  const annotations = annotationsFor(form, 'manifest', part.platform);
  const { annotations: _, ...value } = manifest.value;
  const all = { ...manifest.value.annotations, ...annotations };
  const image: FinishedImage = {
    config,
    manifest: serializeManifest({
      ...value,
      ...(form.dockerTypes === true ? { mediaType: mediaTypes.dockerManifest } : {}),
      config:
        form.dockerTypes === true ? { ...value.config, mediaType: mediaTypes.dockerConfig } : value.config,
      layers: form.dockerTypes === true ? formed.map(dockerLayer) : formed,
      ...(Object.keys(all).length === 0 ? {} : { annotations: all }),
    }),
  };
  await storeDocument(work, image.config);
  await storeDocument(work, image.manifest);
  return { ...part, image };
}

interface Layer {
  readonly layer: Descriptor;
  readonly diffID: Digest;
}

async function formLayer({ layer, diffID }: Layer, form: ImageForm, work: StoreWork): Promise<Descriptor> {
  const { compression, level, forceCompression } = form;
  const present = layerCompressionOf(layer.mediaType);
  if (compression === undefined || present === undefined || layer.urls !== undefined) return layer;
  const { store, lease, signal } = work;
  const isPlain = present === 'uncompressed';
  if (!isPlain && (forceCompression !== true || (present === compression && level === undefined)))
    return layer;
  const plain = isPlain ? layer : await unpackedLayer({ layer, diffID }, present, work);
  if (compression === 'uncompressed') return plain;
  const { compressLayer } = await import('../../layers/compress-layer.ts');
  return compressLayer(store, plain, { compression, level, lease, signal });
}

/** A compressed layer without its compression, in the store. */
async function unpackedLayer(
  { layer, diffID }: Layer,
  compression: LayerCompression,
  { store, lease, signal }: StoreWork,
): Promise<Descriptor> {
  const { decompress } = await import('../../layers/compression.ts');
  const source = decompress(store.open(layer.digest, { signal }), compression);
  const { size } = await store.ingest(source, { digest: diffID, lease, signal });
  return { mediaType: mediaTypes.ociLayer, digest: diffID, size };
}

function dockerLayer(layer: Descriptor): Descriptor {
  const compression = layerCompressionOf(layer.mediaType);
  return compression === undefined || layer.urls !== undefined
    ? layer
    : { ...layer, mediaType: dockerLayers[compression] };
}

function indexOf(parts: readonly PlatformImage[], form: ImageForm): ImageIndex {
  const annotations = annotationsFor(form, 'index', undefined);
  return {
    schemaVersion: 2,
    mediaType: form.dockerTypes === true ? mediaTypes.dockerManifestList : mediaTypes.ociIndex,
    manifests: parts.map(({ image, platform }) => {
      const own = annotationsFor(form, 'manifest-descriptor', platform);
      return {
        ...descriptorOf(image.manifest),
        ...(own === undefined ? {} : { annotations: own }),
        platform,
      };
    }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

/** Undefined where there are none. */
export function annotationsFor(
  form: ImageForm,
  place: AnnotationPlace,
  platform: Platform | undefined,
): Readonly<Record<string, string>> | undefined {
  const found = (form.annotations ?? []).filter(
    annotation =>
      annotation.place === place &&
      (annotation.platform === undefined ||
        platform === undefined ||
        formatPlatform(annotation.platform) === formatPlatform(platform)),
  );
  return found.length === 0 ? undefined : Object.fromEntries(found.map(({ key, value }) => [key, value]));
}

function checkAnnotations(
  annotations: readonly Annotation[],
  images: readonly PlatformImage[],
  isIndex: boolean,
): void {
  for (const { place, platform, key } of annotations) {
    const named = JSON.stringify(key);
    if (!isIndex && (place === 'index' || place === 'manifest-descriptor')) {
      throw new HawserError(
        'INVALID_ARGUMENT',
        `annotation ${named}: an image of one platform has no index`,
        {
          remedy: 'Annotate its manifest, or give several platforms.',
        },
      );
    }
    if (platform === undefined) continue;
    const wanted = formatPlatform(platform);
    const built = images.map(image => formatPlatform(image.platform));
    if (!built.includes(wanted)) {
      throw new HawserError('INVALID_ARGUMENT', `annotation ${named} is for ${wanted}, which is not built`, {
        remedy: `Use one of ${built.join(', ')}.`,
      });
    }
  }
}
