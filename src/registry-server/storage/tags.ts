import { isTag, type RepositoryName, type Tag } from '../../distribution/names.ts';
import type { Digest } from '../../image/digest.ts';
import { mapPool } from '../../util/pool.ts';
import { hasPages, type PageOptions, type StorageDriver } from './driver.ts';
import { FolderCache } from './folder-cache.ts';
import { readLink, writeLink } from './links.ts';
import { manifestsPath, tagCurrentPath, tagIndexPath, tagPath, tagsPath } from './paths.ts';

const PARALLEL_READS = 16;
/** Tags of all repositories that are remembered; about 20 MB. */
const KEPT_NAMES = 200_000;

export interface TagsPage {
  readonly tags: readonly Tag[];
  /** What the next page begins behind. */
  readonly last: string | undefined;
  readonly hasMore: boolean;
}

/** A page of tags that are all known, in lexical order. */
export function pageOfTags(all: readonly Tag[], { after, count }: PageOptions): TagsPage {
  const start = after === '' ? 0 : firstBehind(all, after);
  const tags = all.slice(start, start + count);
  return { tags, last: tags.at(-1), hasMore: start + count < all.length };
}

/** The index of the first element of a sorted list that is greater than `last`. */
function firstBehind(sorted: readonly string[], last: string): number {
  let low = 0;
  for (let high = sorted.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? '') > last) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Names of manifests in a repository, `_manifests/tags/<tag>/{current/link,index/…}`. */
export class Tags {
  readonly #driver: StorageDriver;
  readonly #lists: FolderCache<readonly Tag[] | undefined>;

  constructor(driver: StorageDriver) {
    this.#driver = driver;
    this.#lists = new FolderCache(driver, KEPT_NAMES);
  }

  /** The digest by which the manifest was tagged. */
  async get(name: RepositoryName, tag: Tag): Promise<Digest | undefined> {
    return await readLink(this.#driver, tagCurrentPath(name, tag));
  }

  /** `index/` keeps each digest that the tag ever had: registry:2 needs it, so it goes first. */
  async set(name: RepositoryName, tag: Tag, digest: Digest): Promise<void> {
    await writeLink(this.#driver, tagIndexPath(name, tag, digest), digest);
    await writeLink(this.#driver, tagCurrentPath(name, tag), digest);
  }

  /** @returns whether there was such a tag */
  async remove(name: RepositoryName, tag: Tag): Promise<boolean> {
    if ((await this.#driver.stat(tagPath(name, tag))) === undefined) return false;
    await this.#driver.remove(tagPath(name, tag));
    return true;
  }

  /** All tags in lexical order; undefined where there is no such repository. */
  async list(name: RepositoryName): Promise<readonly Tag[] | undefined> {
    const folder = tagsPath(name);
    return await this.#lists.get([folder, manifestsPath(name)], async () => {
      const names = await this.#driver.list(folder);
      // A bucket has no empty folders: a repository is there as long as it has manifests.
      const isThere = names.length > 0 || (await this.#driver.stat(manifestsPath(name))) !== undefined;
      return { value: isThere ? names.filter(isTag) : undefined, weight: names.length + 1 };
    });
  }

  /**
   * Tags behind `after`, in lexical order; undefined where there is no such repository. Of a folder that other things lie in
   * too, a page may have fewer than `count` though there are more.
   */
  async page(name: RepositoryName, { after, count }: PageOptions): Promise<TagsPage | undefined> {
    const driver = this.#driver;
    if (!hasPages(driver) || !Number.isFinite(count)) {
      const all = await this.list(name);
      return all && pageOfTags(all, { after, count });
    }
    const { names, hasMore } = await driver.page(tagsPath(name), { after, count });
    if (names.length === 0 && (await driver.stat(manifestsPath(name))) === undefined) return undefined;
    return { tags: names.filter(isTag), last: names.at(-1), hasMore };
  }

  /** Removes every tag that names one of `digests`. */
  async removeAllOf(name: RepositoryName, digests: readonly Digest[]): Promise<void> {
    const tags = (await this.list(name)) ?? [];
    await mapPool(
      tags,
      async tag => {
        const digest = await this.get(name, tag);
        if (digest !== undefined && digests.includes(digest)) await this.remove(name, tag);
      },
      { limit: PARALLEL_READS },
    );
  }
}
