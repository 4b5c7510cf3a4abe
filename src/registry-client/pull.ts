import { Arrivals } from '../content/arrivals.ts';
import { readBlob } from '../content/read-blob.ts';
import type { BlobReader, BlobWriter, Lease } from '../content/store.ts';
import { HawserError } from '../errors/hawser-error.ts';
import { type ConfigDocument, configSizeLimit, parseImageConfig } from '../image/config.ts';
import type { Descriptor } from '../image/descriptor.ts';
import { digestAlgorithm } from '../image/digest.ts';
import type { ManifestDocument, ManifestOfImage } from '../image/manifest.ts';
import { hostPlatform, type Platform } from '../image/platform.ts';
import { formatReference, type Reference } from '../image/reference.ts';
import { mapPool } from '../util/pool.ts';
import { downloadBlob } from './download.ts';
import { counted, type OnTransfer } from './progress.ts';
import { resolveRemote, scopeOf } from './resolve.ts';
import { indexDepthLimit, requirePlatform } from './select-platform.ts';
import type { Transport } from './transport.ts';

export interface PullOptions {
  readonly store: BlobReader & BlobWriter;
  /** Keeps what arrives until the caller has given it a name. */
  readonly lease?: Pick<Lease, 'add'>;
  /** Of an index, the image for this platform; default the host's. */
  readonly platform?: Platform | undefined;
  readonly onProgress?: OnTransfer;
  /** Goes on beside the downloads, once manifest and config are there, e.g. unpacks layers as they arrive. */
  readonly beside?: (
    image: Pick<PulledImage, 'manifest' | 'config'>,
    options: { readonly arrivals: Arrivals; readonly signal: AbortSignal },
  ) => Promise<unknown>;
  readonly signal?: AbortSignal | undefined;
}

export interface PulledImage {
  /** What the reference stands for: the manifest itself or an index over it. */
  readonly descriptor: Descriptor;
  readonly manifest: ManifestOfImage;
  readonly config: ConfigDocument;
}

/** Downloads that run at once. */
const parallelDownloads = 4;

function descriptorOf({ mediaType, digest, bytes }: ManifestDocument): Descriptor {
  return { mediaType, digest, size: bytes.length };
}

async function keepDocument(document: ManifestDocument, options: PullOptions): Promise<void> {
  const { store, lease, signal } = options;
  await store.ingest([document.bytes], {
    digest: document.digest,
    size: document.bytes.length,
    ...(lease === undefined ? {} : { lease }),
    signal,
  });
}

/** Walks an index down to the manifest of the platform, keeping each document on the way. */
async function selectManifest(
  transport: Transport,
  reference: Reference,
  options: PullOptions,
): Promise<{ root: ManifestDocument; manifest: ManifestOfImage }> {
  const platform = options.platform ?? hostPlatform();
  const scope = scopeOf(reference, 'pull');
  const root = await resolveRemote(transport, reference, { signal: options.signal, scope });
  let document = root;
  for (let depth = 0; document.kind === 'index'; depth++) {
    if (depth === indexDepthLimit)
      throw new HawserError('MANIFEST_INVALID', `${formatReference(reference)} has indexes within indexes`);
    const selected = requirePlatform(reference, document.value.manifests, platform);
    await keepDocument(document, options);
    const { domain, path } = reference;
    document = await resolveRemote(
      transport,
      { domain, path, digest: selected.digest },
      { signal: options.signal, scope },
    );
  }
  return { root, manifest: document };
}

interface FetchOptions extends PullOptions {
  readonly reference: Reference;
  readonly arrivals?: Arrivals;
}

async function fetchBlob(transport: Transport, blob: Descriptor, options: FetchOptions): Promise<void> {
  const { store, onProgress, signal, lease, arrivals } = options;
  const event = { digest: blob.digest, total: blob.size };
  await lease?.add(blob.digest);
  const present = await store.stat(blob.digest);
  if (present !== undefined && present.size === blob.size) {
    arrivals?.isPresent(blob.digest);
    onProgress?.({ ...event, state: 'exists', done: blob.size });
    return;
  }
  const source = downloadBlob(transport, blob, { scope: scopeOf(options.reference, 'pull'), signal });
  await store.ingest(
    counted(source, done => onProgress?.({ ...event, state: 'running', done })),
    {
      digest: blob.digest,
      size: blob.size,
      ...(lease === undefined ? {} : { lease }),
      onArriving: arriving => arrivals?.begin(blob.digest, arriving),
      signal,
    },
  );
  // Another process may have brought it meanwhile.
  arrivals?.isPresent(blob.digest);
  onProgress?.({ ...event, state: 'done', done: blob.size });
}

async function fetchConfig(
  transport: Transport,
  { value: { config, layers } }: ManifestOfImage,
  options: FetchOptions,
): Promise<ConfigDocument> {
  if (config.size > configSizeLimit) {
    throw new HawserError(
      'SIZE_INVALID',
      `image config of ${config.size} bytes is over the limit of ${configSizeLimit}`,
    );
  }
  await fetchBlob(transport, config, options);
  const parsed = parseImageConfig(await readBlob(options.store, config, { maxSize: configSizeLimit }));
  const { length } = parsed.value.rootfs.diff_ids;
  if (digestAlgorithm(config.digest) === 'sha256' && length !== layers.length) {
    throw new HawserError(
      'MANIFEST_INVALID',
      `image config has ${length} diff_ids for ${layers.length} layers`,
    );
  }
  return { ...parsed, digest: config.digest };
}

/** Fetches layers, and does what goes on beside; where one fails, the other stops. */
async function fetchLayers(
  transport: Transport,
  image: Pick<PulledImage, 'manifest' | 'config'>,
  options: FetchOptions,
): Promise<void> {
  const { layers } = image.manifest.value;
  const blobs = [...new Map(layers.map(blob => [blob.digest, blob])).values()];
  for (const { digest, size } of blobs)
    options.onProgress?.({ digest, state: 'waiting', done: 0, total: size });
  const arrivals = new Arrivals();
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const failures: unknown[] = [];
  const guarded = async (work: Promise<unknown> | undefined) => {
    try {
      await work;
    } catch (error) {
      failures.push(error);
      arrivals.fail(error);
      stop.abort(error);
    }
  };
  await Promise.all([
    guarded(
      mapPool(blobs, blob => fetchBlob(transport, blob, { ...options, arrivals, signal }), {
        limit: parallelDownloads,
        signal,
      }),
    ),
    guarded(options.beside?.(image, { arrivals, signal })),
  ]);
  if (failures.length > 0) throw failures[0];
}

/**
 * Brings manifest (and the indexes above it) and config of an image into the store. Its layers `pullLayers` brings.
 *
 * @throws as `pullImage` does
 */
export async function pullManifest(
  transport: Transport,
  reference: Reference,
  options: PullOptions,
): Promise<PulledImage> {
  const image = await pullDescription(transport, reference, options);
  await keepDocument(image.manifest, options);
  return image;
}

/** The manifest itself is not kept yet. */
async function pullDescription(
  transport: Transport,
  reference: Reference,
  options: PullOptions,
): Promise<PulledImage> {
  const { root, manifest } = await selectManifest(transport, reference, options);
  const { config: descriptor } = manifest.value;
  options.onProgress?.({ digest: descriptor.digest, state: 'waiting', done: 0, total: descriptor.size });
  const config = await fetchConfig(transport, manifest, { ...options, reference });
  return { descriptor: descriptorOf(root), manifest, config };
}

/** Brings the layers of an image into the store. @throws as `pullImage` does */
export async function pullLayers(
  transport: Transport,
  image: Pick<PulledImage, 'manifest' | 'config'>,
  options: PullOptions & { readonly reference: Reference },
): Promise<void> {
  await fetchLayers(transport, image, options);
}

/**
 * Brings an image into the store: manifest (and the indexes above it), config and layers, each verified before anything
 * sees it. It gets no name: the caller gives it one.
 *
 * @throws HawserError PLATFORM_UNAVAILABLE, and what `resolveRemote` and `BlobWriter.ingest` throw
 */
export async function pullImage(
  transport: Transport,
  reference: Reference,
  options: PullOptions,
): Promise<PulledImage> {
  const image = await pullDescription(transport, reference, options);
  await fetchLayers(transport, image, { ...options, reference });
  await keepDocument(image.manifest, options);
  return image;
}
