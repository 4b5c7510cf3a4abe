import { isTag, type RepositoryName, type Tag } from '../../distribution/names.ts';
import { isDigest } from '../../image/digest.ts';
import type { StorageDriver } from '../storage/driver.ts';
import { readLink, writeLink } from '../storage/links.ts';
import { tagCurrentPath, tagIndexPath, tagPath, tagsPath } from '../storage/paths.ts';
import { removeRemains } from './remove-remains.ts';

/** The folders `index/<algorithm>/<hex>` of a tag. */
async function* historyOf(driver: StorageDriver, name: RepositoryName, tag: Tag) {
  const folder = `${tagPath(name, tag)}/index`;
  for (const algorithm of await driver.list(folder)) {
    for (const hex of await driver.list(`${folder}/${algorithm}`)) {
      const digest = `${algorithm}:${hex}`;
      if (isDigest(digest)) yield tagIndexPath(name, tag, digest);
    }
  }
}

/**
 * Removes tags that a crash left half made: a history without a current digest, which lists show and nobody can pull. File
 * by file, since somebody may be setting the tag at this moment.
 *
 * @param before Tags that changed later are left alone; milliseconds since 1970.
 */
export async function removeHalfTags(
  driver: StorageDriver,
  name: RepositoryName,
  before: number,
): Promise<void> {
  for (const tag of (await driver.list(tagsPath(name))).filter(isTag)) {
    const current = tagCurrentPath(name, tag);
    const changed = (await driver.stat(tagPath(name, tag)))?.modified ?? before;
    if (changed >= before || (await driver.stat(current)) !== undefined) continue;
    for await (const path of historyOf(driver, name, tag)) {
      await driver.remove(path, { durable: false });
    }
    await removeRemains(driver, tagPath(name, tag), { before, top: tagsPath(name) });
    // Set meanwhile after all: registry:2 looks for the digest in the history too.
    const digest = await readLink(driver, current);
    if (digest !== undefined) await writeLink(driver, tagIndexPath(name, tag, digest), digest);
  }
}
