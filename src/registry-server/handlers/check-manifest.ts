import type { RepositoryName } from '../../distribution/names.ts';
import { HawserError } from '../../errors/hawser-error.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import type { Digest } from '../../image/digest.ts';
import type { ManifestDocument } from '../../image/manifest.ts';
import { mediaTypes } from '../../image/media-types.ts';
import { mapPool } from '../../util/pool.ts';
import type { RequestContext } from '../registry-context.ts';

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

/** `validation.manifests.urls`, as registry:2 has it: one of `allow` and none of `deny`; neither allows nothing. */
function checkURLs(context: RequestContext, document: ManifestDocument): void {
  const { urls: rules } = context.push;
  if (rules === undefined || document.kind === 'index') return;
  const { allow, deny } = rules;
  for (const url of document.value.layers.flatMap(({ urls = [] }) => urls)) {
    const isAllowed = allow.length === 0 ? deny.length > 0 : allow.some(pattern => pattern.test(url));
    if (isAllowed && !deny.some(pattern => pattern.test(url))) continue;
    throw new HawserError(
      'MANIFEST_INVALID',
      `layers may not be at ${JSON.stringify(url.slice(0, 200))} here`,
    );
  }
}

const classesByConfig: Readonly<Record<string, string>> = {
  [mediaTypes.ociConfig]: 'image',
  [mediaTypes.dockerConfig]: 'image',
  'application/vnd.docker.plugin.v1+json': 'plugin',
};

/** `policy.repository.classes`, as registry:2 has it: what an image is, by its config, must be allowed. */
function checkClass(context: RequestContext, name: RepositoryName, document: ManifestDocument): void {
  const { classes } = context.push;
  if (classes.length === 0 || document.kind === 'index') return;
  const { mediaType } = document.value.config;
  const found = Object.hasOwn(classesByConfig, mediaType) ? classesByConfig[mediaType] : undefined;
  if (found === undefined) throw new HawserError('DENIED', `unknown manifest class for ${mediaType}`);
  if (!classes.includes(found)) throw new HawserError('DENIED', `this registry takes no ${found} manifests`);
  const granted = context.grant.classesOf(name) ?? [];
  if (granted.length > 0 && !granted.includes(found)) {
    throw new HawserError('DENIED', `${name} is not authorized for ${found} manifests`);
  }
}

/** The children of an index that the registry wants to have. */
function neededChildren({ push: { children } }: RequestContext, descriptors: readonly Descriptor[]) {
  if (children === 'none') return [];
  if (children === 'all') return descriptors;
  return descriptors.filter(({ platform }) =>
    children.some(({ os, architecture }) => os === platform?.os && architecture === platform.architecture),
  );
}

/** What a manifest names that the repository could have: blobs, or the children of an index. */
function referencesOf(document: ManifestDocument): readonly Digest[] {
  if (document.kind === 'index') return [...new Set(document.value.manifests.map(({ digest }) => digest))];
  const { config, layers } = document.value;
  const needed = [config, ...layers.filter(layer => !mayBeElsewhere(layer))];
  return [...new Set(needed.map(({ digest }) => digest))];
}

/** What a repository has of what a manifest names. */
export interface FoundReferences {
  readonly present: readonly Digest[];
  readonly missing: readonly Digest[];
}

export async function findReferences(
  context: RequestContext,
  name: RepositoryName,
  document: ManifestDocument,
): Promise<FoundReferences> {
  const digests = referencesOf(document);
  const { blobs, manifests } = context.volume;
  const hasBlob = async (digest: Digest) => (await blobs.stat(name, digest)) !== undefined;
  // Build caches are indexes of blobs.
  const isPresent = async (digest: Digest) =>
    document.kind === 'index'
      ? (await manifests.has(name, digest)) || (await hasBlob(digest))
      : await hasBlob(digest);
  const found = await mapPool(digests, isPresent, { limit: PARALLEL_CHECKS });
  return {
    present: digests.filter((_, index) => found[index] === true),
    missing: digests.filter((_, index) => found[index] !== true),
  };
}

export function missingBlobsError(text: string, missing: readonly Digest[]): HawserError {
  return new HawserError('MANIFEST_BLOB_UNKNOWN', text, { detail: missing.map(digest => ({ digest })) });
}

/**
 * What a push must fulfil besides well-formed fields. Whether the config and layers of an image, and the children of an
 * index, may be missing is the registry's to say; a subject always may.
 *
 * @returns a warning for the client about what is missing
 * @throws HawserError MANIFEST_BLOB_UNKNOWN with all digests that are missing, MANIFEST_INVALID, DENIED
 */
export function checkPushable(
  context: RequestContext,
  name: RepositoryName,
  { document, found }: { readonly document: ManifestDocument; readonly found: FoundReferences },
): string | undefined {
  checkMediaType(document);
  checkURLs(context, document);
  checkClass(context, name, document);
  if (document.kind === 'index') {
    const needed = new Set(neededChildren(context, document.value.manifests).map(({ digest }) => digest));
    const missing = found.missing.filter(digest => needed.has(digest));
    if (missing.length === 0) return undefined;
    throw missingBlobsError(`the index names ${missing.length} manifests that are not in ${name}`, missing);
  }
  const { missing } = found;
  if (missing.length === 0) return undefined;
  const some = missing.slice(0, 3).join(', ');
  const text = `the manifest names ${missing.length} blobs that are not in ${name}: ${some}`;
  if (context.push.sparseImages) return text;
  throw missingBlobsError(text, missing);
}
