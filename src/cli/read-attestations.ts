import { readBlob, readManifest } from '../content/read-blob.ts';
import { listReferrers } from '../content/referrers.ts';
import { resolveImage } from '../content/resolve-image.ts';
import type { ContentStore } from '../content/store.ts';
import { HawserError } from '../errors/hawser-error.ts';
import type { Descriptor } from '../image/descriptor.ts';
import { type Digest, digestAlgorithm, digestOf } from '../image/digest.ts';
import { type ManifestDocument, parseManifest } from '../image/manifest.ts';
import { formatPlatform, type Platform } from '../image/platform.ts';
import { parseReference, withDefaultTag } from '../image/reference.ts';
import { predicateTypeAnnotation } from '../image/referrers.ts';
import { downloadBlob } from '../registry-client/download.ts';
import { listRemoteReferrers } from '../registry-client/list-referrers.ts';
import { resolveRemote, scopeOf } from '../registry-client/resolve.ts';
import { createTransport } from '../registry-client/transport.ts';

/** Bytes of a statement at most. */
const statementLimit = 64 << 20;

/** What refers to an image of one platform. */
export interface ShownAttestation {
  /** Empty where nothing says it. */
  readonly platform: string;
  readonly subject: Digest;
  /** That of the predicate, else of the artifact. */
  readonly type: string;
  readonly digest: Digest;
}

/** Where manifests, lists of referrers and blobs come from: the store, or a registry. */
export interface AttestationSource {
  readonly root: ManifestDocument;
  manifest(digest: Digest): Promise<ManifestDocument>;
  referrers(subject: Digest): Promise<readonly Descriptor[]>;
  blob(descriptor: Descriptor): Promise<Uint8Array>;
  close(): void;
}

/** @throws HawserError IMAGE_UNKNOWN */
export async function storeAttestations(
  store: ContentStore,
  name: string,
  platform: Platform | undefined,
): Promise<AttestationSource> {
  const { descriptor } = await resolveImage(store, name, platform === undefined ? {} : { platform });
  return {
    root: await readManifest(store, descriptor),
    manifest: async digest => parseManifest(await readBlob(store, digest)),
    referrers: subject => listReferrers(store, subject),
    blob: wanted => readBlob(store, wanted, { maxSize: statementLimit }),
    close: () => undefined,
  };
}

/** @throws HawserError MANIFEST_UNKNOWN, and what `Transport.request` throws */
export async function remoteAttestations(
  name: string,
  options: { readonly plainHttp: boolean; readonly signal: AbortSignal },
): Promise<AttestationSource> {
  const { signal } = options;
  const transport = createTransport({ plainHttp: options.plainHttp });
  const reference = withDefaultTag(parseReference(name));
  const { domain, path } = reference;
  const scope = scopeOf(reference, 'pull');
  return {
    root: await resolveRemote(transport, reference, { signal }),
    manifest: digest => resolveRemote(transport, { domain, path, digest }, { signal }),
    referrers: subject => listRemoteReferrers(transport, reference, { subject, signal }),
    blob: wanted => verified(downloadBlob(transport, wanted, { scope, signal }), wanted),
    close: () => transport.close(),
  };
}

async function verified(source: AsyncIterable<Uint8Array>, { digest }: Descriptor): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > statementLimit)
      throw new HawserError('SIZE_INVALID', `${digest} is larger than ${statementLimit} bytes`);
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  if (digestOf(bytes, digestAlgorithm(digest)) === digest) return bytes;
  throw new HawserError('DIGEST_INVALID', `the registry's blob ${digest} has other content`);
}

/** All that refers to an image, or to the images of an index. */
export async function listAttestations(
  source: AttestationSource,
  platform: Platform | undefined,
): Promise<readonly ShownAttestation[]> {
  const { root } = source;
  const wanted = platform === undefined ? undefined : formatPlatform(platform);
  const subjects = [
    { digest: root.digest, platform: '' },
    ...(root.kind === 'index' ? root.value.manifests : []).map(child => ({
      digest: child.digest,
      platform: child.platform === undefined ? '' : formatPlatform(child.platform),
    })),
  ].filter(subject => wanted === undefined || subject.platform === '' || subject.platform === wanted);
  const shown: ShownAttestation[] = [];
  for (const subject of subjects) {
    for (const { digest, artifactType = '', annotations } of await source.referrers(subject.digest)) {
      const type = annotations?.[predicateTypeAnnotation] ?? artifactType;
      shown.push({ platform: subject.platform, subject: subject.digest, type, digest });
    }
  }
  return shown;
}

/** Short names of predicate types. */
const typeNames: Readonly<Record<string, string>> = {
  provenance: 'https://slsa.dev/provenance/',
  sbom: 'https://spdx.dev/Document',
};

/**
 * The statements of a type, as text.
 *
 * @param type `provenance`, `sbom`, or a predicate type
 * @throws HawserError NOT_FOUND
 */
export async function readStatements(
  source: AttestationSource,
  query: { readonly type: string; readonly platform: Platform | undefined; readonly name: string },
): Promise<readonly string[]> {
  const start = typeNames[query.type] ?? query.type;
  const all = await listAttestations(source, query.platform);
  const found = all.filter(({ type }) => type.startsWith(start));
  if (found.length === 0) {
    const types = [...new Set(all.map(({ type }) => type))].join(', ');
    throw new HawserError(
      'NOT_FOUND',
      `${query.name} has no attestation of type ${JSON.stringify(query.type)}`,
      {
        remedy: types === '' ? 'Build it with --provenance or --sbom.' : `It has ${types}.`,
      },
    );
  }
  const texts: string[] = [];
  for (const { digest } of found) {
    const document = await source.manifest(digest);
    for (const layer of document.kind === 'manifest' ? document.value.layers : [])
      texts.push(Buffer.from(await source.blob(layer)).toString());
  }
  return texts;
}
