import type { Descriptor } from '../../image/descriptor.ts';
import { type Digest, digestAlgorithm, digestHex } from '../../image/digest.ts';
import type { ManifestOfImage } from '../../image/manifest.ts';
import { mediaTypes } from '../../image/media-types.ts';
import type { Platform } from '../../image/platform.ts';
import { familiarReference, parseReference } from '../../image/reference.ts';
import { referrersAnnotation, referrersTag } from '../../image/referrers.ts';
import { tarEntry } from '../../tar/entry.ts';
import { type TarItem, tarItem, writeTar } from '../../tar/writer.ts';
import { byteString } from '../../util/byte-string.ts';
import { resolveImage, type StoredImage } from '../resolve-image.ts';
import type { BlobReader, ContentStore, NamedDescriptor } from '../store.ts';
import { walkImage } from '../walk-image.ts';

export interface SaveOptions {
  /** `docker`: what `docker load` of any version reads, and an OCI layout too. `oci`: an OCI layout only. */
  readonly format: 'docker' | 'oci';
  readonly platform?: Platform;
  /** Gives each image another manifest, e.g. of compressed layers, that is in the store. */
  readonly reform?: (manifest: ManifestOfImage) => Promise<ManifestOfImage>;
  readonly signal?: AbortSignal | undefined;
}

/** What goes into an archive: an image and the names it gets there. */
export interface ArchiveImage {
  readonly image: StoredImage;
  /** Full references with a tag. */
  readonly names: readonly string[];
  /** Lists of what refers to its manifests, under their referrers tags; only for `oci`. */
  readonly referrers?: readonly NamedDescriptor[];
}

/**
 * Images of the store as a tar archive, byte for byte the same each time. Image names as `resolveImage` takes them; an
 * image that is named by an id has no name in the archive.
 *
 * @throws HawserError IMAGE_UNKNOWN, PLATFORM_UNAVAILABLE, BLOB_UNKNOWN
 */
export async function* saveImages(
  store: ContentStore,
  names: readonly string[],
  options: SaveOptions,
): AsyncGenerator<Uint8Array, void> {
  const images: ArchiveImage[] = [];
  for (const name of names) {
    const image = await resolveImage(
      store,
      name,
      options.platform === undefined ? {} : { platform: options.platform },
    );
    const hasTag = image.name !== undefined && parseReference(image.name).tag !== undefined;
    const formed = await reformed(image, options.reform);
    const referrers = options.format === 'oci' ? await referrersLists(store, formed.descriptor) : [];
    images.push({ image: formed, names: hasTag ? [image.name as string] : [], referrers });
  }
  yield* writeTar(archiveItems(store, images, options));
}

async function reformed(image: StoredImage, reform: SaveOptions['reform']): Promise<StoredImage> {
  const manifest = (await reform?.(image.manifest)) ?? image.manifest;
  if (manifest === image.manifest) return image;
  const { mediaType, digest, bytes } = manifest;
  return { ...image, manifest, descriptor: { mediaType, digest, size: bytes.length } };
}

/** What refers to an image, or to the images of an index. */
async function referrersLists(store: ContentStore, root: Descriptor): Promise<readonly NamedDescriptor[]> {
  const tags = new Map((await store.references.listReferrersTags()).map(named => [named.name, named]));
  if (tags.size === 0) return [];
  const found: NamedDescriptor[] = [];
  for await (const { digest } of walkImage(store, root)) {
    const list = tags.get(referrersTag(digest));
    if (list !== undefined) found.push(list);
  }
  return found;
}

/** The files of an archive of images that are in the store, named or not. */
export async function* archiveItems(
  store: BlobReader,
  images: readonly ArchiveImage[],
  options: SaveOptions,
): AsyncGenerator<TarItem, void> {
  const roots: { root: Descriptor; names: readonly string[]; image: StoredImage }[] = [];
  const blobs = new Map<Digest, Descriptor>();
  for (const { image, names } of images) {
    const root = await completeRoot(store, image);
    roots.push({ root, names, image });
    for await (const descriptor of walkImage(store, root)) blobs.set(descriptor.digest, descriptor);
  }
  const referrers = images.flatMap(image => image.referrers ?? []);
  for (const { descriptor } of referrers) {
    for await (const found of walkImage(store, descriptor)) blobs.set(found.digest, found);
  }
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: roots.flatMap(indexEntries),
    ...(referrers.length === 0 ? {} : { annotations: referrersAnnotations(referrers) }),
  };
  const documents: [string, unknown][] = [
    ['oci-layout', { imageLayoutVersion: '1.0.0' }],
    ['index.json', index],
  ];
  if (options.format === 'docker') documents.push(['manifest.json', images.map(dockerEntry)]);
  yield* layoutItems(store, { documents, blobs: [...blobs.values()], signal: options.signal });
}

/** What the name stands for, or only the manifest of the platform when other parts of an index are not here. */
async function completeRoot(store: BlobReader, image: StoredImage): Promise<Descriptor> {
  for await (const { digest } of walkImage(store, image.descriptor)) {
    if ((await store.stat(digest)) === undefined) {
      const { mediaType, digest: manifestDigest, bytes } = image.manifest;
      return { mediaType, digest: manifestDigest, size: bytes.length };
    }
  }
  return image.descriptor;
}

/** Docker and containerd find the whole name in an annotation of their own, and the tag in the specified one. */
function indexEntries(entry: {
  readonly root: Descriptor;
  readonly names: readonly string[];
}): readonly Descriptor[] {
  if (entry.names.length === 0) return [entry.root];
  return entry.names.map(name => ({
    ...entry.root,
    annotations: {
      ...entry.root.annotations,
      'io.containerd.image.name': name,
      'org.opencontainers.image.ref.name': parseReference(name).tag ?? name,
    },
  }));
}

/** Entries of their own would keep podman and skopeo from taking the only image of an archive without its name. */
function referrersAnnotations(lists: readonly NamedDescriptor[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    lists.map(({ name, descriptor }) => [`${referrersAnnotation}${name}`, descriptor.digest]),
  );
}

/** One image of manifest.json, as `docker save` writes it. */
function dockerEntry({ image, names }: ArchiveImage): unknown {
  return {
    Config: blobPath(image.config.digest),
    RepoTags: names.length === 0 ? null : names.map(name => familiarReference(parseReference(name))),
    Layers: image.manifest.value.layers.map(layer => blobPath(layer.digest)),
  };
}

function blobPath(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}

async function* layoutItems(
  store: BlobReader,
  content: {
    readonly documents: readonly (readonly [string, unknown])[];
    readonly blobs: readonly Descriptor[];
    readonly signal?: AbortSignal | undefined;
  },
): AsyncGenerator<TarItem, void> {
  for (const [name, value] of content.documents) {
    yield tarItem(tarEntry({ type: 'file', name: byteString(name) }), Buffer.from(JSON.stringify(value)));
  }
  for (const folder of ['blobs', 'blobs/sha256'])
    yield { entry: tarEntry({ type: 'directory', name: byteString(folder) }) };
  for (const { digest, size } of content.blobs) {
    yield {
      entry: tarEntry({ type: 'file', name: byteString(blobPath(digest)), size }),
      body: store.open(digest, { signal: content.signal }),
    };
  }
}
