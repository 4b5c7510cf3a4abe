import { createHash } from 'node:crypto';
import { isTag, type RepositoryName } from '../../distribution/names.ts';
import { type Digest, isDigest } from '../../image/digest.ts';
import { throwIfAborted } from '../../util/abort.ts';
import { ReferenceCache, type RepositoryView, readRepository } from '../gc/repository-view.ts';
import { listBlobs } from '../gc/sweep-blobs.ts';
import { walkRepositories } from '../storage/catalog.ts';
import type { StorageDriver, StorageReader } from '../storage/driver.ts';
import { readLink } from '../storage/links.ts';
import {
  blobDataPath,
  type LinkKind,
  linkPath,
  linksPath,
  quarantinePath,
  tagCurrentPath,
  tagsPath,
} from '../storage/paths.ts';

export type VolumeProblem =
  /** Content that hashes to something else. */
  | { readonly kind: 'corrupt'; readonly digest: Digest; readonly actual: Digest; readonly size: number }
  /** A link file that says nothing, or something else than its place. */
  | { readonly kind: 'link'; readonly path: string }
  /** A link, a tag or a manifest that names content which is not there. */
  | { readonly kind: 'missing'; readonly from: string; readonly digest: Digest };

export interface VerifyOptions {
  /** Takes corrupt content out of the way, so that the next push brings it again. */
  readonly quarantine?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Told of each problem as it is found. */
  readonly onProblem: (problem: VolumeProblem) => void;
}

export interface Verified {
  readonly blobs: number;
  /** Bytes that were read. */
  readonly size: number;
  readonly repositories: number;
}

async function hashOf(reader: StorageReader, digest: Digest, signal: AbortSignal | undefined) {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of await reader.read(blobDataPath(digest), { signal })) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { actual: `sha256:${hash.digest('hex')}` as Digest, size };
}

/** Reads all content of a volume again and follows all links: `hawser registry verify`. @throws HawserError ABORTED */
export async function verifyVolume(driver: StorageDriver, options: VerifyOptions): Promise<Verified> {
  const { onProblem, quarantine, signal } = options;
  const counts = { blobs: 0, size: 0, repositories: 0 };
  for await (const digest of listBlobs(driver, 'sha256')) {
    throwIfAborted(signal);
    if ((await driver.stat(blobDataPath(digest))) === undefined) continue;
    const { actual, size } = await hashOf(driver, digest, signal);
    counts.blobs++;
    counts.size += size;
    if (actual === digest) continue;
    if (quarantine === true) await driver.move(blobDataPath(digest), quarantinePath(digest));
    onProblem({ kind: 'corrupt', digest, actual, size });
  }
  const cache = new ReferenceCache();
  for await (const { name } of walkRepositories(driver)) {
    throwIfAborted(signal);
    counts.repositories++;
    for await (const problem of problemsOf(driver, name, cache)) onProblem(problem);
  }
  return counts;
}

async function* problemsOf(
  driver: StorageDriver,
  name: RepositoryName,
  cache: ReferenceCache,
): AsyncGenerator<VolumeProblem> {
  for (const kind of ['_layers', '_manifests/revisions'] as const) yield* brokenLinks(driver, name, kind);
  const view = await readRepository(driver, name, cache);
  yield* brokenTags(driver, name, view);
  for (const digest of view.dangling) yield { kind: 'missing', from: name, digest };
  const isStored = async (digest: Digest) => (await driver.stat(blobDataPath(digest))) !== undefined;
  for (const digest of view.layers) {
    const link = await readLink(driver, linkPath(name, '_layers', digest));
    if (link === digest && !(await isStored(digest))) yield { kind: 'missing', from: name, digest };
  }
  for (const [manifest, { all, children }] of view.manifests) {
    for (const digest of all) {
      if (view.layers.has(digest) || view.manifests.has(digest)) continue;
      // Platforms of an index may be elsewhere, and so may layers with URLs.
      if (children.includes(digest) || (await isStored(digest))) continue;
      yield { kind: 'missing', from: `${name}@${manifest}`, digest };
    }
  }
}

async function* brokenLinks(
  driver: StorageDriver,
  name: RepositoryName,
  kind: LinkKind,
): AsyncGenerator<VolumeProblem> {
  for (const hex of await driver.list(linksPath(name, kind, 'sha256'))) {
    const digest = `sha256:${hex}`;
    if (!isDigest(digest)) continue;
    const path = linkPath(name, kind, digest);
    if ((await readLink(driver, path)) !== digest && (await driver.stat(path)) !== undefined)
      yield { kind: 'link', path };
  }
}

async function* brokenTags(
  driver: StorageDriver,
  name: RepositoryName,
  view: RepositoryView,
): AsyncGenerator<VolumeProblem> {
  for (const tag of (await driver.list(tagsPath(name))).filter(isTag)) {
    const path = tagCurrentPath(name, tag);
    const digest = await readLink(driver, path);
    if (digest === undefined) yield { kind: 'link', path };
    else if (digest.startsWith('sha256:') && !view.manifests.has(digest) && !view.broken.includes(digest)) {
      yield { kind: 'missing', from: `${name}:${tag}`, digest };
    }
  }
}
