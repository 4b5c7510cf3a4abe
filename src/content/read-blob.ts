import { HawserError } from '../errors/hawser-error.ts';
import { type ConfigDocument, configSizeLimit, parseImageConfig } from '../image/config.ts';
import type { Descriptor } from '../image/descriptor.ts';
import { type Digest, digestAlgorithm, digestOf } from '../image/digest.ts';
import { type ManifestDocument, manifestSizeLimit, parseManifest } from '../image/manifest.ts';
import type { BlobReader } from './store.ts';

export interface ReadBlobOptions {
  /** Bytes; default that of manifests, 4 MiB. */
  readonly maxSize?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A whole blob, verified against its digest, and against the size where a descriptor gives one.
 *
 * @throws HawserError BLOB_UNKNOWN, SIZE_INVALID over the cap, STORE_CORRUPT where bytes and digest disagree
 */
export async function readBlob(
  reader: BlobReader,
  blob: Digest | Pick<Descriptor, 'digest' | 'size'>,
  options: ReadBlobOptions = {},
): Promise<Uint8Array> {
  const { digest, size } = typeof blob === 'string' ? { digest: blob, size: undefined } : blob;
  const limit = options.maxSize ?? manifestSizeLimit;
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of reader.open(digest, { signal: options.signal })) {
    total += chunk.length;
    if (total > limit) {
      throw new HawserError('SIZE_INVALID', `blob ${digest} is larger than ${limit} bytes`);
    }
    chunks.push(chunk);
  }
  const bytes = chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
  if (digestOf(bytes, digestAlgorithm(digest)) !== digest || (size !== undefined && size !== total)) {
    throw new HawserError('STORE_CORRUPT', `blob ${digest} in the store is damaged`, {
      remedy: 'See hawser system fsck; with --repair it says which images to pull or build again.',
    });
  }
  return bytes;
}

/** The manifest or index that `descriptor` names. @throws HawserError as `readBlob`, MANIFEST_INVALID */
export async function readManifest(
  reader: BlobReader,
  descriptor: Pick<Descriptor, 'digest' | 'size'> & { readonly mediaType?: string },
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<ManifestDocument> {
  const bytes = await readBlob(reader, descriptor, options);
  return parseManifest(bytes, {
    algorithm: digestAlgorithm(descriptor.digest),
    ...(descriptor.mediaType === undefined ? {} : { mediaType: descriptor.mediaType }),
  });
}

/** The image config that `descriptor` names. @throws HawserError as `readBlob`, MANIFEST_INVALID */
export async function readImageConfig(
  reader: BlobReader,
  descriptor: Pick<Descriptor, 'digest' | 'size'>,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<ConfigDocument> {
  return parseImageConfig(await readBlob(reader, descriptor, { ...options, maxSize: configSizeLimit }));
}
