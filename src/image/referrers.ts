import type { Descriptor } from './descriptor.ts';
import { type Digest, digestAlgorithm, digestHex, digestOf } from './digest.ts';
import { type ImageIndex, type ManifestOfImage, serializeManifest } from './manifest.ts';
import { mediaTypes } from './media-types.ts';

/** in-toto attestation framework, the media type of a statement in JSON. */
export const inTotoMediaType = 'application/vnd.in-toto+json';
/** What Docker and BuildKit name the predicate by, on a layer and here on the manifest too. */
export const predicateTypeAnnotation = 'in-toto.io/predicate-type';

/** Before a referrers tag, in index.json of an archive: the digest of the list of referrers. */
export const referrersAnnotation = 'hawser.referrers/';

/** The tag under which referrers are listed without the API: distribution-spec 1.1 "Referrers Tag Schema". */
export function referrersTag(subject: Digest): string {
  return `${digestAlgorithm(subject)}-${digestHex(subject)}`;
}

/** What a referrers tag is of; undefined for any other name. */
export function subjectOfTag(name: string): Digest | undefined {
  const match = /^(sha256-[0-9a-f]{64}|sha512-[0-9a-f]{128})$/.exec(name);
  return match === null ? undefined : (name.replace('-', ':') as Digest);
}

const emptyConfig = new TextEncoder().encode('{}');

/** image-spec 1.1 manifest.md, "Guidance for an Empty Descriptor". */
export const emptyBlob = {
  bytes: emptyConfig,
  descriptor: { mediaType: mediaTypes.ociEmpty, digest: digestOf(emptyConfig), size: emptyConfig.length },
} as const;

/** A manifest that says something of its subject, and is no image: image-spec 1.1 manifest.md, `artifactType`. */
export function attestationManifest(
  subject: Descriptor,
  statement: { readonly descriptor: Descriptor; readonly predicateType: string },
): ManifestOfImage {
  const annotations = { [predicateTypeAnnotation]: statement.predicateType };
  const { mediaType, digest, size } = subject;
  return serializeManifest({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    artifactType: inTotoMediaType,
    config: emptyBlob.descriptor,
    layers: [{ ...statement.descriptor, annotations }],
    subject: { mediaType, digest, size },
    annotations,
  });
}

/** As a list of referrers has it: distribution-spec 1.1 "Listing Referrers". */
export function referrerDescriptor({ mediaType, digest, bytes, value }: ManifestOfImage): Descriptor {
  const artifactType = value.artifactType ?? value.config.mediaType;
  return {
    mediaType,
    digest,
    size: bytes.length,
    artifactType,
    ...(value.annotations === undefined ? {} : { annotations: value.annotations }),
  };
}

/** A list with one more; each once. */
export function withReferrer(list: readonly Descriptor[], added: Descriptor): ImageIndex {
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: [...list.filter(({ digest }) => digest !== added.digest), added],
  };
}
