import { isHawserError } from '../errors/hawser-error.ts';
import type { Descriptor } from '../image/descriptor.ts';
import type { Digest } from '../image/digest.ts';
import { isIndexMediaType, isManifestMediaType } from '../image/media-types.ts';
import { readManifest } from './read-blob.ts';
import type { BlobReader } from './store.ts';

/**
 * Every descriptor under `root`, itself first and each once: an index, its manifests, their configs and layers. What the
 * store lacks (other platforms of an index, layers that were never fetched) is named but not followed.
 *
 * @throws HawserError MANIFEST_INVALID, STORE_CORRUPT where a manifest cannot be read
 */
export async function* walkImage(
  reader: BlobReader,
  root: Descriptor,
  seen: Set<Digest> = new Set(),
): AsyncGenerator<Descriptor, void> {
  if (seen.has(root.digest)) return;
  seen.add(root.digest);
  yield root;
  if (!isIndexMediaType(root.mediaType) && !isManifestMediaType(root.mediaType)) return;
  let document: Awaited<ReturnType<typeof readManifest>>;
  try {
    document = await readManifest(reader, root);
  } catch (error) {
    if (isHawserError(error, 'BLOB_UNKNOWN')) return;
    throw error;
  }
  const children =
    document.kind === 'index' ? document.value.manifests : [document.value.config, ...document.value.layers];
  for (const child of children) yield* walkImage(reader, child, seen);
}
