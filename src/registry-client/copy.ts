import { HawserError } from '../errors/hawser-error.ts';
import type { Descriptor } from '../image/descriptor.ts';
import type { ManifestDocument } from '../image/manifest.ts';
import type { Platform } from '../image/platform.ts';
import { formatReference, type Reference } from '../image/reference.ts';
import { mapPool } from '../util/pool.ts';
import { downloadBlob } from './download.ts';
import { counted, type OnTransfer } from './progress.ts';
import { isForeign, putManifest } from './put-manifest.ts';
import { resolveRemote, scopeOf } from './resolve.ts';
import { indexDepthLimit, requirePlatform } from './select-platform.ts';
import type { Transport } from './transport.ts';
import { uploadBlob } from './upload.ts';

export interface CopyOptions {
  readonly from: Reference;
  readonly to: Reference;
  /** Of an index, only the image for this platform; default the index with all. */
  readonly platform?: Platform | undefined;
  readonly onProgress?: OnTransfer;
  readonly signal?: AbortSignal | undefined;
}

/** Blobs that are on their way at once. */
const parallelBlobs = 4;

async function copyBlob(transport: Transport, blob: Descriptor, options: CopyOptions): Promise<void> {
  const { from, to, onProgress, signal } = options;
  const event = { digest: blob.digest, total: blob.size };
  onProgress?.({ ...event, state: 'waiting', done: 0 });
  const open = () =>
    counted(downloadBlob(transport, blob, { scope: scopeOf(from, 'pull'), signal }), done =>
      onProgress?.({ ...event, state: 'running', done }),
    );
  const { outcome } = await uploadBlob(
    transport,
    { descriptor: blob, open },
    {
      scope: scopeOf(to, 'pull,push'),
      signal,
      mountFrom: from.domain === to.domain && from.path !== to.path ? [from.path] : [],
    },
  );
  onProgress?.({ ...event, state: outcome, done: blob.size });
}

function resolveChild(
  transport: Transport,
  { from, signal }: CopyOptions,
  { digest }: Descriptor,
): Promise<ManifestDocument> {
  const { domain, path } = from;
  return resolveRemote(transport, { domain, path, digest }, { signal, scope: scopeOf(from, 'pull') });
}

async function copyDocument(
  transport: Transport,
  document: ManifestDocument,
  options: CopyOptions & { readonly as: string; readonly depth: number },
): Promise<void> {
  if (options.depth > indexDepthLimit) {
    throw new HawserError('MANIFEST_INVALID', `${formatReference(options.from)} has indexes within indexes`);
  }
  if (document.kind === 'index') {
    for (const child of document.value.manifests) {
      const inner = await resolveChild(transport, options, child);
      await copyDocument(transport, inner, { ...options, as: inner.digest, depth: options.depth + 1 });
    }
  } else {
    const { config, layers } = document.value;
    const blobs = [config, ...layers].filter(blob => !isForeign(blob));
    const distinct = [...new Map(blobs.map(blob => [blob.digest, blob])).values()];
    await mapPool(distinct, blob => copyBlob(transport, blob, options), {
      limit: parallelBlobs,
      signal: options.signal,
    });
  }
  const { as, signal } = options;
  await putManifest(transport, document, { reference: options.to, as, signal });
}

/** What is copied: all that the reference names, or of an index the image for the platform. */
async function resolveSource(transport: Transport, options: CopyOptions): Promise<ManifestDocument> {
  const { from, platform, signal } = options;
  let document = await resolveRemote(transport, from, { signal });
  if (platform === undefined) return document;
  for (let depth = 0; document.kind === 'index' && depth < indexDepthLimit; depth++) {
    const selected = requirePlatform(from, document.value.manifests, platform);
    document = await resolveChild(transport, options, selected);
  }
  return document;
}

/**
 * Copies an image from registry to registry, with all its platforms and the same digests. Blobs pass through memory only, and
 * not at all where the other side has them or can mount them.
 *
 * @returns what the new name stands for
 * @throws HawserError REFERENCE_INVALID for a target with a digest, PLATFORM_UNAVAILABLE, and what `Transport.request` throws
 */
export async function copyImage(transport: Transport, options: CopyOptions): Promise<Descriptor> {
  const { to } = options;
  if (to.digest !== undefined) {
    throw new HawserError('REFERENCE_INVALID', `cannot copy to ${formatReference(to)}: it has a digest`, {
      remedy: 'Copy to a tag: the digest follows from the content.',
    });
  }
  const document = await resolveSource(transport, options);
  await copyDocument(transport, document, { ...options, as: to.tag ?? 'latest', depth: 0 });
  return { mediaType: document.mediaType, digest: document.digest, size: document.bytes.length };
}
