import { isHawserError } from '../errors/hawser-error.ts';
import type { Descriptor } from '../image/descriptor.ts';
import type { Digest } from '../image/digest.ts';
import { isIndexMediaType, isManifestMediaType } from '../image/media-types.ts';
import { readManifest } from './read-blob.ts';
import type { BlobReader } from './store.ts';

/**
 * What keeps an image from being whole; undefined where it is: its manifest, config and every layer are in the store. Of
 * an index one platform is enough, since a pull brings in no other.
 *
 * @param broken Blobs that are there and do not count.
 */
export async function findMissingContent(
  store: BlobReader,
  descriptor: Descriptor,
  broken: ReadonlySet<Digest>,
): Promise<string | undefined> {
  const problem = await blobProblem(store, descriptor, broken);
  if (problem !== undefined) return problem;
  if (!isIndexMediaType(descriptor.mediaType) && !isManifestMediaType(descriptor.mediaType)) return undefined;
  let document: Awaited<ReturnType<typeof readManifest>>;
  try {
    document = await readManifest(store, descriptor);
  } catch (error) {
    if (!isHawserError(error)) throw error;
    return error.message;
  }
  if (document.kind === 'index') {
    const problems: string[] = [];
    for (const child of document.value.manifests) {
      const childProblem = await findMissingContent(store, child, broken);
      if (childProblem === undefined) return undefined;
      problems.push(childProblem);
    }
    return problems[0];
  }
  const { config, layers } = document.value;
  for (const part of [config, ...layers]) {
    // image-spec 1.1 layer.md: those with URLs need not be here.
    if (part.urls !== undefined && (await store.stat(part.digest)) === undefined) continue;
    const partProblem = await blobProblem(store, part, broken);
    if (partProblem !== undefined) return partProblem;
  }
  return undefined;
}

async function blobProblem(
  store: BlobReader,
  { digest, size }: Descriptor,
  broken: ReadonlySet<Digest>,
): Promise<string | undefined> {
  if (broken.has(digest)) return `blob ${digest} is damaged`;
  const info = await store.stat(digest);
  if (info === undefined) return `blob ${digest} is missing`;
  return info.size === size ? undefined : `blob ${digest} has ${info.size} bytes instead of ${size}`;
}
