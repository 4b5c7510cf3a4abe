import type { RepositoryName } from '../../distribution/names.ts';
import { HawserError } from '../../errors/hawser-error.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import type { Digest } from '../../image/digest.ts';
import type { ManifestDocument } from '../../image/manifest.ts';
import { mediaTypes } from '../../image/media-types.ts';
import { mapPool } from '../../util/pool.ts';
import type { RegistryContext } from '../registry-context.ts';

const PARALLEL_CHECKS = 8;

const foreignTypes: ReadonlySet<string> = new Set([
  mediaTypes.ociLayerNondistributable,
  mediaTypes.ociLayerNondistributableGzip,
  mediaTypes.ociLayerNondistributableZstd,
  mediaTypes.dockerForeignLayerGzip,
]);

/** Layers that may live elsewhere: image-spec 1.1 layer.md, "Non-Distributable Layers". */
function mayBeElsewhere(layer: Descriptor): boolean {
  return foreignTypes.has(layer.mediaType) || (layer.urls ?? []).length > 0;
}

/** The media type is not stored beside the bytes, so Docker's must stand in them. */
function checkMediaType(document: ManifestDocument): void {
  const isDocker =
    document.mediaType === mediaTypes.dockerManifest || document.mediaType === mediaTypes.dockerManifestList;
  if (isDocker && (document.value.mediaType ?? '') === '') {
    throw new HawserError(
      'MANIFEST_INVALID',
      `a manifest of type ${document.mediaType} must say so in mediaType`,
    );
  }
}

/** The digests of the config and layers that a manifest names and the repository lacks; none for an index. */
async function missingBlobs(
  context: RegistryContext,
  name: RepositoryName,
  document: ManifestDocument,
): Promise<readonly Digest[]> {
  if (document.kind === 'index') return [];
  const { config, layers } = document.value;
  const needed = [config, ...layers.filter(layer => !mayBeElsewhere(layer))];
  const digests = [...new Set(needed.map(({ digest }) => digest))];
  const found = await mapPool(digests, digest => context.volume.blobs.stat(name, digest), {
    limit: PARALLEL_CHECKS,
  });
  return digests.filter((_, index) => found[index] === undefined);
}

/**
 * What a push must fulfil besides well-formed fields. Children of an index may be missing (sparse indexes), and so may a
 * subject; whether the config and layers of an image may is the registry's to say.
 *
 * @returns a warning for the client about what is missing
 * @throws HawserError MANIFEST_BLOB_UNKNOWN with all digests that are missing, MANIFEST_INVALID
 */
export async function checkPushable(
  context: RegistryContext,
  name: RepositoryName,
  document: ManifestDocument,
): Promise<string | undefined> {
  checkMediaType(document);
  const missing = await missingBlobs(context, name, document);
  if (missing.length === 0) return undefined;
  const text = `the manifest names ${missing.length} blobs that are not in ${name}: ${missing.slice(0, 3).join(', ')}`;
  if (context.sparseImages) return text;
  throw new HawserError('MANIFEST_BLOB_UNKNOWN', text, { detail: missing.map(digest => ({ digest })) });
}
