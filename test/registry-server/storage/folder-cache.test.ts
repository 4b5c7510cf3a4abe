import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { digestOf } from '../../../src/image/digest.ts';
import { mediaTypes } from '../../../src/image/media-types.ts';
import { FilesystemDriver } from '../../../src/registry-server/storage/filesystem-driver.ts';
import { FolderCache } from '../../../src/registry-server/storage/folder-cache.ts';
import { MemoryDriver } from '../../../src/registry-server/storage/memory-driver.ts';
import { pushImage, send, startOn, TestRegistry } from '../support/registry.ts';

describe('registry-server: what is remembered of folders', () => {
  let folder: string;
  let cache: FolderCache<number>;
  let count: number;
  const get = (...names: string[]) => cache.get(names, async () => ({ value: ++count, weight: 10 }));
  /** Sets when a folder changed last, in seconds before now. */
  const rest = (name: string, seconds: number) => {
    const time = Date.now() / 1000 - seconds;
    utimesSync(join(folder, name), time, time);
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hawser-folders-'));
    for (const name of ['a', 'b', 'c', 'd']) mkdirSync(join(folder, name));
    cache = new FolderCache(new FilesystemDriver(folder), 40);
    count = 0;
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is computed again when the folder has changed', async () => {
    rest('a', 100);
    expect([await get('a'), await get('a')]).to.deep.equal([1, 1]);
    writeFileSync(join(folder, 'a/x'), '');
    expect(await get('a')).to.equal(2);
    rest('a', 50);
    expect([await get('a'), await get('a')]).to.deep.equal([3, 3]);
  });

  it('is not remembered while the folder changes', async () => {
    expect([await get('a'), await get('a')]).to.deep.equal([1, 2]);
    rest('a', 2);
    expect([await get('a'), await get('a')]).to.deep.equal([3, 4]);
    rest('a', -100);
    expect([await get('a'), await get('a')]).to.deep.equal([5, 6]);
  });

  it('knows folders that are not there, and come', async () => {
    expect([await get('none'), await get('none')]).to.deep.equal([1, 1]);
    mkdirSync(join(folder, 'none'));
    rest('none', 100);
    expect([await get('none'), await get('none')]).to.deep.equal([2, 2]);
  });

  it('depends on every folder that is named', async () => {
    rest('a', 100);
    rest('b', 100);
    expect([await get('a', 'b'), await get('a', 'b')]).to.deep.equal([1, 1]);
    rest('b', 50);
    expect(await get('a', 'b')).to.equal(2);
  });

  it('goes when there is too much, what was used last at the end', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'none']) if (name !== 'none') rest(name, 100);
    for (const name of ['a', 'b', 'c', 'd', 'a']) await get(name);
    expect(count).to.equal(4);
    await get('none');
    expect([await get('a'), await get('c'), await get('d')]).to.deep.equal([1, 3, 4]);
    expect(await get('b')).to.equal(6);
  });

  it('is nothing for media that do not tell when a folder changed', async () => {
    const driver = new MemoryDriver();
    await driver.write('a/x', '');
    const other = new FolderCache<number>(driver, 100);
    const ask = () => other.get(['a'], async () => ({ value: ++count, weight: 1 }));
    expect([await ask(), await ask()]).to.deep.equal([1, 2]);
  });

  it('never hides tags and referrers that another server pushed or deleted', async () => {
    const registry = await TestRegistry.start();
    const other = await startOn(registry.root);
    try {
      const subject = { mediaType: mediaTypes.ociManifest, digest: digestOf('subject'), size: 7 };
      const tags = async () =>
        ((await registry.send('GET /v2/a/tags/list')).json as { tags?: string[] }).tags;
      const referrers = async () =>
        ((await registry.send(`GET /v2/a/referrers/${subject.digest}`)).json as { manifests: object[] })
          .manifests.length;
      for (let round = 1; round <= 5; round++) {
        expect([await tags(), await referrers()]).to.deep.equal([round === 1 ? undefined : [], 0]);
        const image = await pushImage(other.url, 'a', { tag: `t${round}`, extra: { subject } });
        expect([await tags(), await referrers()]).to.deep.equal([[`t${round}`], 1]);
        await send(other.url, `DELETE /v2/a/manifests/${image.manifest}`);
      }
    } finally {
      await other.close();
      await registry.dispose();
    }
  });
});
