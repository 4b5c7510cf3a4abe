import { readBlob, readManifest } from '../content/read-blob.ts';
import type { BlobReader } from '../content/store.ts';
import { isHawserError } from '../errors/hawser-error.ts';
import type { Descriptor } from '../image/descriptor.ts';
import { type Digest, digestHex, digestOf } from '../image/digest.ts';
import { type ManifestOfImage, serializeManifest } from '../image/manifest.ts';
import type { Reference } from '../image/reference.ts';
import { inTotoMediaType, referrerDescriptor, referrersTag, withReferrer } from '../image/referrers.ts';
import { putManifest } from './put-manifest.ts';
import { resolveRemote, scopeOf } from './resolve.ts';
import type { Transport } from './transport.ts';
import { uploadBlob } from './upload.ts';

/** Bytes of a statement at most: a list of all packages of a large image has some. */
const statementLimit = 64 << 20;

export interface PushReferrerOptions {
  readonly store: BlobReader;
  /** Its manifest in the store. */
  readonly referrer: Descriptor;
  /** The subject's digest in the store. */
  readonly replaced: Digest;
  /** The subject as the registry has it. */
  readonly subject: Descriptor;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Pushes what refers to a manifest that is at the registry already. A registry without the referrers API gets the list
 * under the referrers tag: distribution-spec 1.1 "Pushing Manifests with Subject".
 */
export async function pushReferrer(
  transport: Transport,
  reference: Reference,
  options: PushReferrerOptions,
): Promise<void> {
  const { store, signal } = options;
  const document = await readManifest(store, options.referrer, { signal });
  if (document.kind === 'index') return;
  const blobs: Sendable[] = [];
  for (const descriptor of [document.value.config, ...document.value.layers])
    blobs.push(await retargeted(descriptor, options));
  const scope = scopeOf(reference, 'pull,push');
  for (const { descriptor, open } of blobs)
    await uploadBlob(transport, { descriptor, open }, { scope, signal });
  const [config, ...layers] = blobs.map(({ descriptor }) => descriptor);
  const manifest = serializeManifest({
    ...document.value,
    config: config ?? document.value.config,
    layers,
    subject: options.subject,
  });
  const isListed = await putManifest(transport, manifest, { reference, as: manifest.digest, signal });
  if (!isListed)
    await listUnderTag(transport, reference, { manifest, subject: options.subject.digest, signal });
}

interface Sendable {
  readonly descriptor: Descriptor;
  readonly open: () => AsyncIterable<Uint8Array>;
}

/** A statement names its subject's digest, which is another one where layers were compressed on the way. */
async function retargeted(descriptor: Descriptor, options: PushReferrerOptions): Promise<Sendable> {
  const { store, replaced, subject, signal } = options;
  if (descriptor.mediaType !== inTotoMediaType || replaced === subject.digest)
    return { descriptor, open: () => store.open(descriptor.digest, { signal }) };
  const stored = await readBlob(store, descriptor, { maxSize: statementLimit, signal });
  const statement = JSON.parse(Buffer.from(stored).toString()) as Statement;
  const bytes = Buffer.from(
    JSON.stringify({
      ...statement,
      subject: statement.subject.map(entry =>
        entry.digest?.sha256 === digestHex(replaced)
          ? { ...entry, digest: { ...entry.digest, sha256: digestHex(subject.digest) } }
          : entry,
      ),
    }),
  );
  return {
    descriptor: { ...descriptor, digest: digestOf(bytes), size: bytes.length },
    async *open() {
      yield bytes;
    },
  };
}

interface Statement {
  readonly subject: readonly { readonly digest?: Readonly<Record<string, string>> }[];
}

async function listUnderTag(
  transport: Transport,
  reference: Reference,
  options: {
    readonly manifest: ManifestOfImage;
    readonly subject: Digest;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<void> {
  const { manifest, subject, signal } = options;
  const present = await listUnderReferrersTag(transport, reference, { subject, signal });
  const index = serializeManifest(withReferrer(present, referrerDescriptor(manifest)));
  await putManifest(transport, index, { reference, as: referrersTag(subject), signal });
}

/** What the referrers tag of a manifest lists; nothing where there is none. */
export async function listUnderReferrersTag(
  transport: Transport,
  { domain, path }: Reference,
  options: { readonly subject: Digest; readonly signal?: AbortSignal | undefined },
): Promise<readonly Descriptor[]> {
  try {
    const tag = referrersTag(options.subject);
    const found = await resolveRemote(transport, { domain, path, tag }, { signal: options.signal });
    return found.kind === 'index' ? found.value.manifests : [];
  } catch (error) {
    if (isHawserError(error, 'MANIFEST_UNKNOWN') || isHawserError(error, 'NAME_UNKNOWN')) return [];
    throw error;
  }
}
