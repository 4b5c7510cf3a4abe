import { HawserError } from '../../errors/hawser-error.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import { type Digest, isDigest } from '../../image/digest.ts';
import { parseManifest } from '../../image/manifest.ts';
import { mediaTypes } from '../../image/media-types.ts';
import { formatReference, parseReference, withDefaultTag } from '../../image/reference.ts';
import { referrersAnnotation, subjectOfTag } from '../../image/referrers.ts';
import { readBlob } from '../read-blob.ts';
import type { ContentStore, Lease } from '../store.ts';
import { walkImage } from '../walk-image.ts';
import { dockerImages } from './docker-manifest.ts';
import { type ArchiveFiles, readArchive } from './read-archive.ts';

const nameAnnotation = 'org.opencontainers.image.ref.name';

export interface LoadedImage {
  /** Full references; none for an image that has no name in the archive. */
  readonly names: readonly string[];
  readonly descriptor: Descriptor;
}

export interface LoadOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Takes in the images of a tar archive, also when it is compressed with gzip: one of `docker save` (any version), of
 * `podman save`, or an OCI layout. Each image gets its names, one without any is kept under its digest.
 *
 * @throws HawserError TAR_INVALID, MANIFEST_INVALID, DIGEST_INVALID, SIZE_INVALID; no name is set then
 */
export async function loadImages(
  store: ContentStore,
  source: AsyncIterable<Uint8Array>,
  options: LoadOptions = {},
): Promise<readonly LoadedImage[]> {
  const lease = await store.leases.acquire('load');
  try {
    const files = await readArchive(store, source, { lease, signal: options.signal });
    const images = await findImages(store, files, lease);
    await setReferrers(store, files.document('index.json'));
    for (const { names, descriptor } of images) {
      for (const name of names.length === 0 ? [descriptor.digest] : names) {
        await store.references.set(name, descriptor);
      }
    }
    return images;
  } finally {
    await lease.release();
  }
}

/** Attestations that an archive has beside its images, as hawser writes them, or under their tags. */
async function setReferrers(store: ContentStore, bytes: Uint8Array | undefined): Promise<void> {
  if (bytes === undefined) return;
  const index = parseManifest(bytes);
  if (index.kind !== 'index') return;
  const lists = index.value.manifests.flatMap(({ annotations, ...descriptor }) => {
    const name = annotations?.[nameAnnotation] ?? '';
    return subjectOfTag(name) === undefined ? [] : [{ name, digest: descriptor.digest }];
  });
  for (const [key, digest] of Object.entries(index.value.annotations ?? {})) {
    const name = key.startsWith(referrersAnnotation) ? key.slice(referrersAnnotation.length) : '';
    if (subjectOfTag(name) !== undefined && isDigest(digest)) lists.push({ name, digest });
  }
  for (const { name, digest } of lists) {
    const info = await store.stat(digest);
    if (info === undefined) continue;
    const descriptor = { mediaType: mediaTypes.ociIndex, ...info };
    if (await isComplete(store, descriptor)) await store.references.set(name, descriptor);
  }
}

async function findImages(
  store: ContentStore,
  files: ArchiveFiles,
  lease: Lease,
): Promise<readonly LoadedImage[]> {
  const index = files.document('index.json');
  const dockerManifest = files.document('manifest.json');
  // Newer docker archives are OCI layouts too; the layout keeps the digests that the images were pushed with.
  if (index !== undefined) {
    const images = await layoutImages(store, index);
    if (images !== undefined) return withDockerNames(store, images, dockerManifest);
  }
  if (dockerManifest !== undefined) return dockerImages(store, files, { lease, bytes: dockerManifest });
  throw new HawserError('TAR_INVALID', 'the archive holds no image: neither index.json nor manifest.json', {
    remedy:
      'Take an archive of docker save, podman save or hawser image save; for a file tree use image import.',
  });
}

/** The images of an OCI layout; undefined when it is not complete. */
async function layoutImages(store: ContentStore, bytes: Uint8Array): Promise<LoadedImage[] | undefined> {
  const index = parseManifest(bytes);
  if (index.kind !== 'index') throw new HawserError('MANIFEST_INVALID', 'index.json is no image index');
  const byDigest = new Map<Digest, { names: Set<string>; descriptor: Descriptor }>();
  for (const descriptor of index.value.manifests) {
    if (subjectOfTag(descriptor.annotations?.[nameAnnotation] ?? '') !== undefined) continue;
    if (!(await isComplete(store, descriptor))) return undefined;
    const { annotations, ...plain } = descriptor;
    const entry = byDigest.get(descriptor.digest) ?? { names: new Set<string>(), descriptor: plain };
    const name = nameOf(annotations ?? {});
    if (name !== undefined) entry.names.add(name);
    byDigest.set(descriptor.digest, entry);
  }
  return [...byDigest.values()].map(({ names, descriptor }) => ({ names: [...names], descriptor }));
}

/** Whether the manifests are there, and all of at least one platform. */
async function isComplete(store: ContentStore, root: Descriptor): Promise<boolean> {
  let manifests = 0;
  for await (const descriptor of walkImage(store, root)) {
    const info = await store.stat(descriptor.digest);
    if (info === undefined) return false;
    if (info.size !== descriptor.size) {
      throw new HawserError(
        'SIZE_INVALID',
        `${descriptor.digest} has ${info.size} bytes instead of ${descriptor.size}`,
      );
    }
    manifests++;
  }
  return manifests > 1;
}

/** containerd's annotation holds the whole name; the specified one may hold a whole name or a mere tag. */
function nameOf(annotations: Readonly<Record<string, string>>): string | undefined {
  const whole = annotations['io.containerd.image.name'];
  const text = whole ?? annotations[nameAnnotation];
  if (text === undefined || text === '') return undefined;
  if (whole === undefined && !/[/:]/.test(text) && /^(?:latest|v?\d)/.test(text)) return undefined;
  return formatReference(withDefaultTag(parseReference(text)));
}

/** Names that only manifest.json has, matched by config. */
async function withDockerNames(
  store: ContentStore,
  images: readonly LoadedImage[],
  bytes: Uint8Array | undefined,
): Promise<readonly LoadedImage[]> {
  if (bytes === undefined || images.every(({ names }) => names.length > 0)) return images;
  const { parseDockerManifest } = await import('./docker-manifest.ts');
  const entries = parseDockerManifest(bytes);
  const named: LoadedImage[] = [];
  for (const image of images) {
    const document = parseManifest(await readBlob(store, image.descriptor), {
      mediaType: image.descriptor.mediaType,
    });
    const hex = document.kind === 'manifest' ? document.value.config.digest.slice(7) : '';
    const tags = entries
      .filter(({ config }) => hex !== '' && config.includes(hex))
      .flatMap(({ names }) => names);
    named.push(image.names.length > 0 ? image : { ...image, names: tags });
  }
  return named;
}
