import { HawserError } from '../../errors/hawser-error.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import type { Digest } from '../../image/digest.ts';
import { parseManifest } from '../../image/manifest.ts';
import { formatReference, parseReference, withDefaultTag } from '../../image/reference.ts';
import { readBlob } from '../read-blob.ts';
import type { ContentStore, Lease } from '../store.ts';
import { walkImage } from '../walk-image.ts';
import { dockerImages } from './docker-manifest.ts';
import { type ArchiveFiles, readArchive } from './read-archive.ts';

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
  const text = whole ?? annotations['org.opencontainers.image.ref.name'];
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
