import { HawserError } from '../errors/hawser-error.ts';
import { asDescriptor, asMediaType, type Descriptor } from './descriptor.ts';
import { type Digest, type DigestAlgorithm, digestOf } from './digest.ts';
import {
  asArray,
  asObject,
  child,
  isMissing,
  type JsonField,
  optionalArray,
  optionalStringMap,
  parseJsonObject,
  withoutNulls,
  wrongField,
} from './json-check.ts';
import { isIndexMediaType, isManifestMediaType, mediaTypes } from './media-types.ts';

/** image-spec 1.1 manifest.md; Docker's schema 2 manifest has the same fields. */
export interface ImageManifest {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** image-spec 1.1 image-index.md; Docker's manifest list has the same fields. */
export interface ImageIndex {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface DocumentBase {
  readonly mediaType: string;
  readonly digest: Digest;
  /** The bytes that the digest is of; nothing is digested after re-serialising. */
  readonly bytes: Uint8Array;
}

export interface ManifestOfImage extends DocumentBase {
  readonly kind: 'manifest';
  readonly value: ImageManifest;
}

export interface ManifestOfIndex extends DocumentBase {
  readonly kind: 'index';
  readonly value: ImageIndex;
}

export type ManifestDocument = ManifestOfImage | ManifestOfIndex;

/** Bytes; what registries must accept at least: distribution-spec 1.1, "Pushing Manifests". */
export const manifestSizeLimit = 4 << 20;

export interface ParseManifestOptions {
  /** Content-Type or descriptor's media type, which the document's own must equal. */
  readonly mediaType?: string | undefined;
  readonly algorithm?: DigestAlgorithm;
}

/** The media type that the document has: its own, else the given one, else by its fields. */
function mediaTypeOf(root: JsonField, given: string | undefined): string {
  const field = child(root, 'mediaType');
  const own = isMissing(field) || field.value === '' ? undefined : asMediaType(field);
  if (own !== undefined && given !== undefined && own !== given) {
    throw wrongField(field, `${given}, as which it was announced`);
  }
  const guess = 'manifests' in asObject(root) ? mediaTypes.ociIndex : mediaTypes.ociManifest;
  const mediaType = own ?? given ?? guess;
  if (!isIndexMediaType(mediaType) && !isManifestMediaType(mediaType)) {
    const old = mediaType === mediaTypes.dockerSchema1 || mediaType === mediaTypes.dockerSchema1Signed;
    throw new HawserError('MANIFEST_INVALID', `manifest of media type ${mediaType} is not known`, {
      remedy: old
        ? "Docker's schema 1 is from before 2017: push the image again with a current tool."
        : undefined,
    });
  }
  return mediaType;
}

function checkCommon(root: JsonField, isIndex: boolean): void {
  const version = child(root, 'schemaVersion');
  if (version.value !== 2) throw wrongField(version, '2');
  // A document that could be read as either must not be read at all: CVE-2021-41190.
  const foreign = isIndex ? ['config', 'layers', 'fsLayers'] : ['manifests', 'fsLayers'];
  for (const key of foreign) {
    const field = child(root, key);
    if (field.value !== undefined) {
      throw wrongField(
        { ...field, value: undefined },
        `absent from ${isIndex ? 'an index' : 'an image manifest'} (it is present)`,
      );
    }
  }
  const subject = child(root, 'subject');
  if (!isMissing(subject)) asDescriptor(subject);
  optionalStringMap(child(root, 'annotations'));
  const artifactType = child(root, 'artifactType');
  if (!isMissing(artifactType) && artifactType.value !== '') asMediaType(artifactType);
}

/**
 * Reads a manifest or an index, OCI or Docker. Fields that nobody knows are kept.
 *
 * @throws HawserError MANIFEST_INVALID naming the field, SIZE_INVALID over 4 MiB
 */
export function parseManifest(bytes: Uint8Array, options: ParseManifestOptions = {}): ManifestDocument {
  if (bytes.length > manifestSizeLimit) {
    throw new HawserError(
      'SIZE_INVALID',
      `manifest of ${bytes.length} bytes is over the limit of ${manifestSizeLimit}`,
    );
  }
  const value = parseJsonObject('manifest', bytes);
  const root: JsonField = { document: 'manifest', path: '', value };
  const mediaType = mediaTypeOf(root, options.mediaType);
  const base = { mediaType, digest: digestOf(bytes, options.algorithm), bytes };
  const isIndex = isIndexMediaType(mediaType);
  checkCommon(root, isIndex);
  const fields: unknown = withoutNulls(value);
  if (isIndex) {
    const manifests = optionalArray(child(root, 'manifests')).map(asDescriptor);
    return { kind: 'index', ...base, value: { ...(fields as ImageIndex), manifests } };
  }
  const config = asDescriptor(child(root, 'config'));
  const layers = asLayers(child(root, 'layers'));
  return { kind: 'manifest', ...base, value: { ...(fields as ImageManifest), config, layers } };
}

/** Layers may be null, as Go writes an empty list, but the field must be there. */
function asLayers(field: JsonField): Descriptor[] {
  return field.value === null ? [] : asArray(field).map(asDescriptor);
}

/** The document of a manifest or index that is made here, in the key order of `value`. */
export function serializeManifest(value: ImageManifest): ManifestOfImage;
export function serializeManifest(value: ImageIndex): ManifestOfIndex;
export function serializeManifest(value: ImageManifest | ImageIndex): ManifestDocument {
  return parseManifest(new TextEncoder().encode(JSON.stringify(value)));
}
