import { readManifest } from '../content/read-blob.ts';
import { loadImage } from '../content/resolve-image.ts';
import type { BlobReader } from '../content/store.ts';
import { HawserError } from '../errors/hawser-error.ts';
import type { Descriptor } from '../image/descriptor.ts';
import type { Digest } from '../image/digest.ts';
import { type ManifestDocument, type ManifestOfImage, serializeManifest } from '../image/manifest.ts';
import type { Platform } from '../image/platform.ts';
import { formatReference, type Reference } from '../image/reference.ts';
import { mapPool } from '../util/pool.ts';
import { counted, type OnTransfer } from './progress.ts';
import { isForeign, putManifest } from './put-manifest.ts';
import { scopeOf } from './resolve.ts';
import type { Transport } from './transport.ts';
import { uploadBlob } from './upload.ts';
import type { PreparedLayer } from './upload-session.ts';

export interface PushOptions {
  readonly store: BlobReader;
  /** The image or index in the store. */
  readonly descriptor: Descriptor;
  /** Of an index whose other images are not in the store, the one that is pushed; default the host's. */
  readonly platform?: Platform | undefined;
  /** How a layer goes out, e.g. compressed on the way; default as it is stored. */
  readonly prepareLayer?: (layer: Descriptor) => Promise<PreparedLayer>;
  /** Repositories of the same registry that may have a blob already. */
  readonly mountFrom?: ((digest: Digest) => readonly string[]) | undefined;
  /** What refers to a manifest of the store, which goes along. */
  readonly referrersOf?: ((digest: Digest) => Promise<readonly Descriptor[]>) | undefined;
  /** No tag stands for it at the registry, but its digest alone. */
  readonly byDigest?: boolean;
  readonly onProgress?: OnTransfer;
  readonly signal?: AbortSignal | undefined;
}

/** Uploads that run at once. */
const parallelUploads = 3;

async function pushBlob(
  transport: Transport,
  blob: Descriptor,
  options: PushOptions & { readonly reference: Reference },
): Promise<Descriptor> {
  const { store, onProgress, signal, reference } = options;
  const isLayer = options.prepareLayer !== undefined && blob.mediaType.includes('.tar');
  const prepared: PreparedLayer =
    isLayer && options.prepareLayer !== undefined
      ? await options.prepareLayer(blob)
      : { descriptor: blob, open: () => store.open(blob.digest, { signal }) };
  const total = prepared.descriptor instanceof Promise ? undefined : prepared.descriptor.size;
  onProgress?.({ digest: blob.digest, state: 'waiting', done: 0, total });
  const open = () =>
    counted(prepared.open(), done => onProgress?.({ digest: blob.digest, state: 'running', done, total }));
  const scope = scopeOf(reference, 'pull,push');
  const { descriptor, outcome } = await uploadBlob(
    transport,
    { descriptor: prepared.descriptor, open },
    { scope, signal, mountFrom: options.mountFrom?.(blob.digest) },
  );
  onProgress?.({ digest: blob.digest, state: outcome, done: descriptor.size, total: descriptor.size });
  return { ...blob, ...descriptor };
}

/** Pushes config and layers; where layers went out in another form, the manifest that names that form. */
async function pushContent(
  transport: Transport,
  manifest: ManifestOfImage,
  options: PushOptions & { readonly reference: Reference },
): Promise<ManifestOfImage> {
  const { config, layers } = manifest.value;
  const blobs = [
    ...new Map(
      [...layers, config].filter(blob => !isForeign(blob)).map(blob => [blob.digest, blob]),
    ).values(),
  ];
  const pushed = await mapPool(
    blobs,
    async blob => [blob.digest, await pushBlob(transport, blob, options)] as const,
    {
      limit: parallelUploads,
      signal: options.signal,
    },
  );
  const forms = new Map(pushed);
  const sent = layers.map(layer => forms.get(layer.digest) ?? layer);
  if (sent.every((layer, index) => layer.digest === layers[index]?.digest)) return manifest;
  return serializeManifest({ ...manifest.value, layers: sent });
}

/** An index goes out whole where all its images are here; else the image of the platform goes out alone, as with docker. */
async function documentToPush(options: PushOptions): Promise<ManifestDocument> {
  const document = await readManifest(options.store, options.descriptor);
  if (document.kind === 'manifest') return document;
  const present = await Promise.all(document.value.manifests.map(({ digest }) => options.store.stat(digest)));
  if (present.every(info => info !== undefined)) return document;
  const { platform } = options;
  return (await loadImage(options.store, options, platform === undefined ? {} : { platform })).manifest;
}

type DocumentOptions = PushOptions & {
  readonly reference: Reference;
  /** The tag; empty for none. */
  readonly as: string;
  /** Gets what each manifest of the store is at the registry. */
  readonly sent: Map<Digest, Descriptor>;
};

async function pushDocument(
  transport: Transport,
  document: ManifestDocument,
  options: DocumentOptions,
): Promise<Descriptor> {
  let final = document;
  if (document.kind === 'manifest') {
    final = await pushContent(transport, document, options);
  } else {
    const manifests: Descriptor[] = [];
    for (const child of document.value.manifests) {
      const pushed = await pushDocument(transport, await readManifest(options.store, child), {
        ...options,
        as: '',
      });
      manifests.push({ ...child, ...pushed });
    }
    const same = manifests.every(({ digest }, index) => digest === document.value.manifests[index]?.digest);
    if (!same) final = serializeManifest({ ...document.value, manifests });
  }
  await putManifest(transport, final, { ...options, as: options.as === '' ? final.digest : options.as });
  const descriptor = { mediaType: final.mediaType, digest: final.digest, size: final.bytes.length };
  options.sent.set(document.digest, descriptor);
  return descriptor;
}

/**
 * Pushes an image: blobs side by side, each skipped where the registry has it, then the manifest under the reference's tag.
 *
 * @returns the descriptor that the registry has; another than the local one where layers were compressed on the way
 * @throws HawserError REFERENCE_INVALID for a reference with a digest, and what `Transport.request` throws
 */
export async function pushImage(
  transport: Transport,
  reference: Reference,
  options: PushOptions,
): Promise<Descriptor> {
  if (reference.digest !== undefined) {
    throw new HawserError(
      'REFERENCE_INVALID',
      `cannot push to ${formatReference(reference)}: it has a digest`,
      {
        remedy: 'Push to a tag: the digest follows from the content.',
      },
    );
  }
  const document = await documentToPush(options);
  const as = options.byDigest === true ? '' : (reference.tag ?? 'latest');
  const sent = new Map<Digest, Descriptor>();
  const pushed = await pushDocument(transport, document, { ...options, reference, as, sent });
  for (const [digest, subject] of sent) {
    const referrers = (await options.referrersOf?.(digest)) ?? [];
    if (referrers.length === 0) continue;
    const { pushReferrer } = await import('./push-referrer.ts');
    for (const referrer of referrers)
      await pushReferrer(transport, reference, { ...options, referrer, replaced: digest, subject });
  }
  return pushed;
}
