import type { Descriptor } from '../image/descriptor.ts';
import type { Digest } from '../image/digest.ts';
import { type ManifestOfImage, serializeManifest } from '../image/manifest.ts';
import { referrerDescriptor, referrersTag, withReferrer } from '../image/referrers.ts';
import { readManifest } from './read-blob.ts';
import type { BlobReader, ContentStore, Lease } from './store.ts';

/*
 * What refers to an image (attestations) hangs on a name of its own, the referrers tag of its subject, as in a registry
 * without the API. `list` of the names does not show it; a collector keeps it for as long as its subject.
 */

/** The manifests that refer to `subject`, as they were added. */
export async function listReferrers(
  store: BlobReader & Pick<ContentStore, 'references'>,
  subject: Digest,
): Promise<readonly Descriptor[]> {
  const list = await store.references.get(referrersTag(subject));
  if (list === undefined) return [];
  const document = await readManifest(store, list);
  return document.kind === 'index' ? document.value.manifests : [];
}

/** Adds a manifest that is in the store to those that refer to its subject; each once, and a newer one of its kind in place of the older. */
export async function addReferrer(
  store: ContentStore,
  { subject, manifest }: { readonly subject: Digest; readonly manifest: ManifestOfImage },
  lease: Lease,
): Promise<void> {
  const added = referrerDescriptor(manifest);
  const kindOf = ({ artifactType, annotations }: Descriptor) => JSON.stringify([artifactType, annotations]);
  const others = (await listReferrers(store, subject)).filter(other => kindOf(other) !== kindOf(added));
  const { bytes, digest, mediaType } = serializeManifest(withReferrer(others, added));
  await store.ingest([bytes], { digest, size: bytes.length, lease });
  await store.references.set(referrersTag(subject), { mediaType, digest, size: bytes.length });
}
