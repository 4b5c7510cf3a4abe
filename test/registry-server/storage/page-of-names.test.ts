import { expect } from 'chai';
import * as fc from 'fast-check';
import type { NamesPage } from '../../../src/registry-server/storage/driver.ts';
import { type ListedFolder, pageOfNames } from '../../../src/registry-server/storage/s3/page-of-names.ts';

/** Lists names as S3 lists the folders of a bucket, at most `largest` at once, and counts. */
class Bucket implements ListedFolder {
  requests = 0;
  readonly #keys: readonly string[];
  readonly #largest: number;

  constructor(names: readonly string[], largest = 1000) {
    this.#keys = names.map(name => `${name}/`).sort();
    this.#largest = largest;
  }

  async list({ after, limit }: { readonly after: string; readonly limit: number }) {
    this.requests++;
    // The key of the file in a folder, which is greater than that of the folder.
    const rest = this.#keys.filter(key => `${key}current/link` > after);
    const keys = rest.slice(0, Math.min(limit, this.#largest));
    return { keys, isTruncated: keys.length < rest.length };
  }

  async hasFolder(name: string): Promise<boolean> {
    this.requests++;
    return this.#keys.includes(`${name}/`);
  }
}

async function allPages(bucket: Bucket, count: number): Promise<readonly NamesPage[]> {
  const pages: NamesPage[] = [];
  for (let after = ''; ; after = pages.at(-1)?.names.at(-1) ?? '') {
    const page = await pageOfNames(bucket, { after, count });
    pages.push(page);
    if (!page.hasMore) return pages;
  }
}

describe('registry-server: pages of a bucket', () => {
  const versions = Array.from({ length: 40 }, (_, minor) =>
    Array.from({ length: 50 }, (_, patch) => `1.${minor}.${patch}`),
  ).flat();

  it('takes as many requests for a page, whatever else there is', async () => {
    const few = new Bucket(versions.slice(0, 200));
    const many = new Bucket(versions);
    for (const bucket of [few, many]) {
      const page = await pageOfNames(bucket, { after: '1.1.2', count: 20 });
      expect(page).to.deep.equal({
        names: versions
          .toSorted()
          .filter(name => name > '1.1.2')
          .slice(0, 20),
        hasMore: true,
      });
    }
    expect([few.requests, many.requests]).to.deep.equal([1, 1]);
    // Lists that end among names which go on from others: whether there are `1` and `1.0` is asked for.
    for (const bucket of [few, many]) {
      bucket.requests = 0;
      await pageOfNames(bucket, { after: '', count: 20 });
    }
    expect([few.requests, many.requests]).to.deep.equal([3, 3]);
  });

  it('goes through 2000 names for a few requests a page', async () => {
    const bucket = new Bucket(versions);
    const pages = await allPages(bucket, 100);
    expect(pages.flatMap(({ names }) => names)).to.deep.equal(versions.toSorted());
    expect(bucket.requests).to.be.at.most(pages.length * 4);
  });

  it('puts a name before those that go on from it, whose keys come first', async () => {
    const names = ['v1', 'v1-a', 'v1-b', 'v1.0', 'v1.0-rc', 'v10', 'v2'];
    for (const count of [1, 2, 3, 7]) {
      const pages = await allPages(new Bucket(names, 2), count);
      expect(pages.flatMap(page => page.names)).to.deep.equal(names);
    }
  });

  it('lists what there is in order, whatever the names, the pages and the lists', async () => {
    const character = fc.constantFrom('-', '.', '0', '9', 'A', '_', 'a');
    const name = fc.array(character, { minLength: 1, maxLength: 6 }).map(all => `v${all.join('')}`);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.oneof(name, fc.constantFrom('v', 'v1', 'v1-', 'v1.', 'v1.-'))),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 5 }),
        async (names, count, largest) => {
          const pages = await allPages(new Bucket(names, largest), count);
          expect(pages.flatMap(page => page.names)).to.deep.equal(names.toSorted());
          for (const page of pages.slice(0, -1)) expect(page.names).to.have.length(count);
        },
      ),
    );
  });

  it('has no page of nothing', async () => {
    const bucket = new Bucket(['a', 'b']);
    expect(await pageOfNames(bucket, { after: '', count: 0 })).to.deep.equal({ names: [], hasMore: true });
    expect(await pageOfNames(bucket, { after: 'b', count: 5 })).to.deep.equal({ names: [], hasMore: false });
    expect(await pageOfNames(new Bucket([]), { after: '', count: 5 })).to.deep.equal({
      names: [],
      hasMore: false,
    });
  });
});
