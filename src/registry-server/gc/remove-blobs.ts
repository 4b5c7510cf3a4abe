import type { RepositoryName } from '../../distribution/names.ts';
import { type Digest, isDigest } from '../../image/digest.ts';
import { walkRepositories } from '../storage/catalog.ts';
import type { StorageDriver, StorageReader } from '../storage/driver.ts';
import {
  blobDataPath,
  blobFolderPath,
  blobsPath,
  type LinkKind,
  linkPath,
  linksPath,
} from '../storage/paths.ts';
import { putBack, removeAside, setAside } from './set-aside.ts';

const kinds: readonly LinkKind[] = ['_layers', '_manifests/revisions'];
/** From how many digests on it is cheaper to list all links of a repository than to look for each. */
const LIST_FROM = 16;

/** Those of `digests` that may be linked in a repository: where they are many, those whose folder is there. */
async function candidatesIn(
  reader: StorageReader,
  path: string,
  digests: ReadonlySet<Digest>,
): Promise<Iterable<Digest>> {
  if (digests.size < LIST_FROM) return digests;
  const folders = (await reader.list(path)).map(hex => `sha256:${hex}`).filter(isDigest);
  return folders.filter(digest => digests.has(digest));
}

async function linkedIn(
  reader: StorageReader,
  name: RepositoryName,
  digests: ReadonlySet<Digest>,
): Promise<Digest[]> {
  const found: Digest[] = [];
  for (const kind of kinds) {
    for (const digest of await candidatesIn(reader, linksPath(name, kind, 'sha256'), digests)) {
      if ((await reader.stat(linkPath(name, kind, digest))) !== undefined) found.push(digest);
    }
  }
  return found;
}

/** Those of `digests` that some repository links. */
async function findLinked(reader: StorageReader, digests: ReadonlySet<Digest>): Promise<ReadonlySet<Digest>> {
  const linked = new Set<Digest>();
  for await (const { name } of walkRepositories(reader)) {
    const left = new Set([...digests].filter(digest => !linked.has(digest)));
    if (left.size === 0) break;
    for (const digest of await linkedIn(reader, name, left)) linked.add(digest);
  }
  return linked;
}

export interface RemovedBlob {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/**
 * Removes the content of digests that no repository links, while others push it: taken away, looked for once more, and put
 * back where somebody linked it meanwhile.
 */
export async function removeUnlinked(
  driver: StorageDriver,
  digests: Iterable<Digest>,
): Promise<readonly RemovedBlob[]> {
  const wanted = new Set(digests);
  for (const digest of await findLinked(driver, wanted)) wanted.delete(digest);
  const taken: RemovedBlob[] = [];
  for (const digest of wanted) {
    const info = await driver.stat(blobDataPath(digest));
    if (info?.kind !== 'file' || !(await setAside(driver, blobDataPath(digest)))) continue;
    taken.push({ digest, size: info.size });
  }
  const linked =
    taken.length === 0
      ? new Set<Digest>()
      : await findLinked(driver, new Set(taken.map(each => each.digest)));
  for (const { digest } of taken) {
    if (linked.has(digest)) await putBack(driver, blobDataPath(digest));
    else {
      await removeAside(driver, blobDataPath(digest));
      await driver.prune(blobFolderPath(digest), blobsPath('sha256'));
    }
  }
  return taken.filter(({ digest }) => !linked.has(digest));
}
