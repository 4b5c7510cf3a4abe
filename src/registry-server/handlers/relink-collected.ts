import type { RepositoryName } from '../../distribution/names.ts';
import { isHawserError } from '../../errors/hawser-error.ts';
import type { Digest } from '../../image/digest.ts';
import { parseManifest } from '../../image/manifest.ts';
import type { RequestContext } from '../registry-context.ts';
import { type FoundReferences, findReferences, missingBlobsError } from './check-manifest.ts';

/**
 * Takes back what a collector unlinked since the client found it, and what that refers to.
 *
 * @throws HawserError MANIFEST_BLOB_UNKNOWN where something is gone for good: the client must push it again
 */
export async function relinkCollected(
  context: RequestContext,
  name: RepositoryName,
  { present, missing }: FoundReferences,
): Promise<FoundReferences> {
  const states = new Map<Digest, boolean | undefined>();
  for (const digest of missing) {
    const state = await context.volume.blobs.relink(name, digest);
    states.set(digest, state ?? (await relinkManifest(context, name, digest)));
  }
  const lost = missing.filter(digest => states.get(digest) === false);
  if (lost.length > 0) {
    const text = `${lost.length} blobs or manifests were collected as garbage meanwhile: push them again`;
    throw missingBlobsError(text, lost);
  }
  const back = missing.filter(digest => states.get(digest) === true);
  return {
    present: [...present, ...back],
    missing: missing.filter(digest => states.get(digest) === undefined),
  };
}

/** The child of an index, which is worth nothing without what it names itself. */
async function relinkManifest(
  context: RequestContext,
  name: RepositoryName,
  digest: Digest,
): Promise<boolean | undefined> {
  const { manifests } = context.volume;
  const isBack = await manifests.relink(name, digest);
  if (isBack !== true) return isBack;
  const stored = await manifests.get(name, digest);
  if (stored === undefined) return false;
  try {
    const document = parseManifest(stored.bytes, { mediaType: stored.mediaType });
    await relinkCollected(context, name, await findReferences(context, name, document));
    return true;
  } catch (error) {
    if (isHawserError(error, 'MANIFEST_INVALID')) return true; // an older registry took it: it has no parts for us
    if (!isHawserError(error, 'MANIFEST_BLOB_UNKNOWN')) throw error;
    await manifests.remove(name, stored.canonical);
    return false;
  }
}
