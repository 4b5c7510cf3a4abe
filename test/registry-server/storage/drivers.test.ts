import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import { isHawserError } from '../../../src/errors/hawser-error.ts';
import type { ReadOptions, StorageDriver } from '../../../src/registry-server/storage/driver.ts';
import { FilesystemDriver } from '../../../src/registry-server/storage/filesystem-driver.ts';
import { MemoryDriver } from '../../../src/registry-server/storage/memory-driver.ts';
import { openDriver } from '../../../src/registry-server/storage/open-driver.ts';
import { TestBucket } from '../support/s3.ts';

async function* chunks(...pieces: string[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield Buffer.from(piece);
}

async function* broken(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('some');
  throw new Error('the client is gone');
}

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return isHawserError(error) ? error.code : String(error);
  }
}

const folder = mkdtempSync(join(tmpdir(), 'hawser-driver-'));
let count = 0;
let bucket: TestBucket;
const drivers: Readonly<Record<string, () => StorageDriver | Promise<StorageDriver>>> = {
  filesystem: () => new FilesystemDriver(join(folder, String(count++))),
  memory: () => new MemoryDriver(),
  S3: () => openDriver({ ...bucket.storage, prefix: String(count++) }),
};
before(async () => {
  bucket = await TestBucket.start();
});
after(() => bucket.stop());

/** What every driver must do: src/registry-server/storage/driver.ts. */
for (const [kind, open] of Object.entries(drivers)) {
  describe(`registry-server: ${kind} driver`, () => {
    let driver: StorageDriver;
    beforeEach(async () => {
      driver = await open();
    });
    afterEach(() => driver.close?.());
    after(() => rmSync(folder, { recursive: true, force: true }));

    const text = async (path: string, options?: ReadOptions) => {
      let all = '';
      for await (const chunk of await driver.read(path, options)) all += Buffer.from(chunk).toString();
      return all;
    };
    // The volume's root exists once something was written.
    const root = 'docker/registry/v2';

    it('knows nothing of what is not there', async () => {
      const path = `${root}/none/x`;
      expect(await driver.stat(path)).to.equal(undefined);
      expect(await driver.list(path)).to.deep.equal([]);
      expect(await driver.readSmall(path, 10)).to.equal(undefined);
      expect(await codeOf(driver.read(path))).to.equal('NOT_FOUND');
      expect(await codeOf(driver.tryLock(path))).to.equal('NOT_FOUND');
      await driver.remove(path);
    });

    it('writes, replaces and reads a file, and lists its folder in order', async () => {
      const before = Date.now() - 2000;
      for (const name of ['b', 'a', 'B']) await driver.write(`${root}/f/${name}`, `content of ${name}`);
      await driver.write(`${root}/f/a`, 'new');
      expect(await driver.list(`${root}/f`)).to.deep.equal(['B', 'a', 'b']);
      expect(await text(`${root}/f/a`)).to.equal('new');
      expect((await driver.readSmall(`${root}/f/a`, 3))?.toString()).to.equal('new');
      expect(await driver.readSmall(`${root}/f/a`, 2)).to.equal(undefined);
      expect(await driver.readSmall(`${root}/f`, 100)).to.equal(undefined);
      const info = await driver.stat(`${root}/f/a`);
      expect(info).to.include({ kind: 'file', size: 3 });
      expect(info?.modified).to.be.within(before, Date.now() + 2000);
      expect(await driver.stat('')).to.include({ kind: 'folder' });
      expect(await driver.stat(`${root}/f`)).to.include({ kind: 'folder', size: 0 });
      expect(await driver.list(`${root}/f/a`)).to.deep.equal([]);
    });

    const ranges: readonly (readonly [ReadOptions, string])[] = [
      [{}, '0123456789'],
      [{ start: 3 }, '3456789'],
      [{ end: 4 }, '0123'],
      [{ start: 2, end: 7 }, '23456'],
      [{ start: 10 }, ''],
    ];
    it('reads ranges, across pieces', async () => {
      await driver.append(`${root}/r`, chunks('0123', '45', '6789'), 0);
      for (const [range, wanted] of ranges) expect(await text(`${root}/r`, range)).to.equal(wanted);
    });

    it('appends, cuts what stood behind, and moves', async () => {
      const path = `${root}/up/data`;
      expect(await driver.append(path, chunks('abc', 'def'), 0)).to.equal(6);
      expect(await driver.append(path, chunks('X'), 2)).to.equal(3);
      expect(await text(path)).to.equal('abX');
      expect(await codeOf(driver.append(path, chunks('y'), 9))).to.equal('STORE_CORRUPT');
      await driver.write(`${root}/to/data`, 'old');
      await driver.move(path, `${root}/to/data`);
      expect(await text(`${root}/to/data`)).to.equal('abX');
      expect(await driver.stat(path)).to.equal(undefined);
    });

    it('keeps what came before a source failed', async () => {
      expect(await codeOf(driver.append(`${root}/up`, broken(), 0))).to.equal('Error: the client is gone');
      expect(await text(`${root}/up`)).to.equal('some');
    });

    it('makes an empty file', async () => {
      expect(await driver.append(`${root}/empty`, chunks(), 0)).to.equal(0);
      expect(await driver.stat(`${root}/empty`)).to.include({ kind: 'file', size: 0 });
      expect(await text(`${root}/empty`)).to.equal('');
    });

    it('removes a folder with all in it', async () => {
      for (const name of ['x/1', 'x/y/2', 'z']) await driver.write(`${root}/d/${name}`, name);
      await driver.remove(`${root}/d/x`);
      expect(await driver.list(`${root}/d`)).to.deep.equal(['z']);
      expect(await driver.stat(`${root}/d/x/y/2`)).to.equal(undefined);
    });

    it('prunes folders that are empty, and no other', async () => {
      await driver.write(`${root}/p/a/b/c/x`, '');
      await driver.prune(`${root}/p/a/b/c`, `${root}/p`);
      expect(await driver.list(`${root}/p/a/b`)).to.deep.equal(['c']);
      await driver.write(`${root}/p/a/y`, '');
      await driver.remove(`${root}/p/a/b/c/x`);
      await driver.prune(`${root}/p/a/b/c`, `${root}/p`);
      expect(await driver.list(`${root}/p/a`)).to.deep.equal(['y']);
      await driver.remove(`${root}/p/a/y`);
      await driver.prune(`${root}/p/a/b`, `${root}/p`);
      expect(await driver.list(`${root}/p`)).to.deep.equal([]);
      if (kind !== 'S3') expect(await driver.stat(`${root}/p`)).to.include({ kind: 'folder' });
    });

    it('writes into folders that somebody removes meanwhile', async () => {
      const path = (name: number) => `${root}/busy/deep/${name}`;
      const done = new AbortController();
      const pruning = (async () => {
        while (!done.signal.aborted) {
          await driver.prune(`${root}/busy/deep`, root);
          await setImmediate();
        }
      })();
      try {
        for (let name = 0; name < 50; name++) {
          await driver.write(path(name), String(name), { durable: false });
          await driver.move(path(name), `${path(name)}-moved`, { durable: false });
          await driver.remove(`${path(name)}-moved`, { durable: false });
        }
      } finally {
        done.abort();
        await pruning;
      }
      expect(await codeOf(driver.move(path(1), path(2)))).to.equal('NOT_FOUND');
    });

    it('lets a file appear after what must be there before, or not at all', async () => {
      let isDone = false;
      const first = driver.write(`${root}/o/first`, '1').then(() => (isDone = true));
      await driver.write(`${root}/o/second`, '2', { after: first });
      expect(isDone).to.equal(true);
      await driver.append(`${root}/o/up`, chunks('3'), 0);
      const failed = Promise.reject<void>(new Error('no'));
      failed.catch(() => undefined);
      const writes = [
        () => driver.write(`${root}/o/third`, '3', { after: failed }),
        () => driver.move(`${root}/o/up`, `${root}/o/moved`, { after: failed }),
      ];
      for (const write of writes) expect(await codeOf(write())).to.equal('Error: no');
      expect(await driver.list(`${root}/o`)).to.deep.equal(['first', 'second', 'up']);
    });

    it('gives a lock to one at a time', async () => {
      await driver.write(`${root}/lock`, '');
      const lock = await driver.tryLock(`${root}/lock`);
      expect(await driver.tryLock(`${root}/lock`)).to.equal(undefined);
      await lock?.release();
      const again = await driver.tryLock(`${root}/lock`);
      expect(again).not.to.equal(undefined);
      await again?.release();
    });
  });
}
