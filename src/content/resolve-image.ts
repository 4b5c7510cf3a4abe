import { HawserError, isHawserError } from '../errors/hawser-error.ts';
import type { ConfigDocument } from '../image/config.ts';
import type { Descriptor } from '../image/descriptor.ts';
import { type Digest, isDigest } from '../image/digest.ts';
import type { ManifestOfImage } from '../image/manifest.ts';
import { formatPlatform, hostPlatform, type Platform, selectPlatform } from '../image/platform.ts';
import {
  familiarReference,
  formatReference,
  parseReference,
  repositoryOf,
  withDefaultTag,
} from '../image/reference.ts';
import { nearest } from '../util/nearest.ts';
import { readImageConfig, readManifest } from './read-blob.ts';
import type { BlobReader, ContentStore, NamedDescriptor } from './store.ts';

/** An image of one platform in the store. */
export interface StoredImage {
  /** The name that led to it; undefined for an image that was found by its id and has none. */
  readonly name?: string;
  /** What the name stands for: the manifest itself or an index over it. */
  readonly descriptor: Descriptor;
  readonly manifest: ManifestOfImage;
  readonly config: ConfigDocument;
}

export interface ResolveImageOptions {
  /** Which manifest of an index; default the host's platform. */
  readonly platform?: Platform;
}

/** The name of an image that has none: its own digest. `image ls` shows it as `<none>`. */
export function isUntaggedName(name: string): boolean {
  return isDigest(name);
}

/**
 * Finds an image as a user names it: by reference, by digest, or by at least 4 hex digits of the digest of its config
 * (Docker's image id), manifest or index.
 *
 * @throws HawserError IMAGE_UNKNOWN, PLATFORM_UNAVAILABLE, INVALID_ARGUMENT for an ambiguous prefix
 */
export async function resolveImage(
  store: ContentStore,
  text: string,
  options: ResolveImageOptions = {},
): Promise<StoredImage> {
  const names = await store.references.list();
  const named = findByReference(names, text);
  if (named !== undefined) return loadImage(store, named, options);
  const found = await findByDigits(store, names, text);
  if (found !== undefined) return loadImage(store, found, options);
  throw unknownImage(names, text);
}

function findByReference(names: readonly NamedDescriptor[], text: string): NamedDescriptor | undefined {
  const untagged = names.find(({ name }) => name === text && isUntaggedName(name));
  if (untagged !== undefined) return untagged;
  let reference: ReturnType<typeof parseReference>;
  try {
    reference = parseReference(text);
  } catch (error) {
    if (isHawserError(error)) return undefined; // may still be digits of an id
    throw error;
  }
  const wanted = formatReference(withDefaultTag(reference));
  const exact = names.find(({ name }) => name === wanted);
  if (exact !== undefined || reference.digest === undefined) return exact;
  // By digest: any name of the repository that stands for that content.
  const repository = repositoryOf(reference);
  return names.find(
    ({ name, descriptor }) =>
      descriptor.digest === reference.digest &&
      !isUntaggedName(name) &&
      repositoryOf(parseReference(name)) === repository,
  );
}

/** An image that is named, or that a named index holds, by digits of a digest. */
async function findByDigits(
  store: BlobReader,
  names: readonly NamedDescriptor[],
  text: string,
): Promise<NamedDescriptor | undefined> {
  const match = /^(?:sha256:|sha512:)?([0-9a-f]{4,128})$/.exec(text);
  if (match === null) return undefined;
  const digits = match[1] as string;
  const matches = (digest: Digest) => digest.slice(7).startsWith(digits);
  const found = new Map<Digest, NamedDescriptor>();
  for (const named of names) {
    for (const descriptor of await candidatesOf(store, named.descriptor, matches)) {
      if (!found.has(descriptor.digest) || isUntaggedName(found.get(descriptor.digest)?.name ?? '')) {
        found.set(descriptor.digest, { name: named.name, descriptor });
      }
    }
  }
  if (found.size > 1) {
    throw new HawserError(
      'INVALID_ARGUMENT',
      `image id ${text} is ambiguous: ${found.size} images begin so`,
      {
        remedy: `Give more digits: ${[...found.keys()].join(', ')}.`,
      },
    );
  }
  return [...found.values()][0];
}

/** `descriptor` itself, or those of its manifests, whose own digest or whose config's digest matches. */
async function candidatesOf(
  store: BlobReader,
  descriptor: Descriptor,
  matches: (digest: Digest) => boolean,
): Promise<readonly Descriptor[]> {
  if (matches(descriptor.digest)) return [descriptor];
  if ((await store.stat(descriptor.digest)) === undefined) return [];
  const document = await readManifest(store, descriptor);
  if (document.kind === 'manifest') return matches(document.value.config.digest) ? [descriptor] : [];
  const found: Descriptor[] = [];
  for (const manifest of document.value.manifests)
    found.push(...(await candidatesOf(store, manifest, matches)));
  return found;
}

/** @throws HawserError PLATFORM_UNAVAILABLE, BLOB_UNKNOWN, STORE_CORRUPT */
export async function loadImage(
  store: BlobReader,
  named: { readonly name?: string; readonly descriptor: Descriptor },
  options: ResolveImageOptions = {},
): Promise<StoredImage> {
  const platform = options.platform ?? hostPlatform();
  let document = await readManifest(store, named.descriptor);
  // An index may hold indexes; each level narrows to the platform.
  for (let depth = 0; document.kind === 'index'; depth++) {
    const { manifests } = document.value;
    const selected = depth < 4 ? selectPlatform(manifests, platform) : undefined;
    if (selected === undefined) {
      const known = manifests.flatMap(manifest =>
        manifest.platform === undefined ? [] : [manifest.platform],
      );
      throw new HawserError(
        'PLATFORM_UNAVAILABLE',
        `image ${named.name ?? named.descriptor.digest} has no manifest for ${formatPlatform(platform)}`,
        { remedy: `It has ${known.map(formatPlatform).join(', ') || 'none that says its platform'}.` },
      );
    }
    document = await readManifest(store, selected);
  }
  const config = await readImageConfig(store, document.value.config);
  const name = named.name === undefined || isUntaggedName(named.name) ? {} : { name: named.name };
  return { ...name, descriptor: named.descriptor, manifest: document, config };
}

function unknownImage(names: readonly NamedDescriptor[], text: string): HawserError {
  const familiar = names
    .filter(({ name }) => !isUntaggedName(name))
    .map(({ name }) => familiarReference(parseReference(name)));
  const near = nearest(text.includes(':') ? text : `${text}:latest`, familiar) ?? nearest(text, familiar);
  return new HawserError('IMAGE_UNKNOWN', `no image ${JSON.stringify(text)} in the local store`, {
    remedy:
      near === undefined
        ? `Pull it with hawser image pull ${text}, or see hawser image ls.`
        : `Did you mean ${near}? See hawser image ls.`,
    detail: { image: text },
  });
}
