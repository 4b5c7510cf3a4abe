import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { isHawserError } from '../../../src/errors/hawser-error.ts';
import { type Digest, digestOf } from '../../../src/image/digest.ts';
import { mediaTypes } from '../../../src/image/media-types.ts';
import { collectGarbage } from '../../../src/registry-server/gc/collector.ts';
import type { RegistryOptions } from '../../../src/registry-server/registry-options.ts';
import { type RunningRegistry, startRegistry } from '../../../src/registry-server/start-registry.ts';
import type { StorageDriver } from '../../../src/registry-server/storage/driver.ts';
import { openDriver } from '../../../src/registry-server/storage/open-driver.ts';
import { planParts, smallestPart } from '../../../src/registry-server/storage/s3/join-objects.ts';
import { S3Bucket } from '../../../src/registry-server/storage/s3/s3-bucket.ts';
import { S3Driver } from '../../../src/registry-server/storage/s3/s3-driver.ts';
import { imageManifest, pushBlob, pushImage, pushManifest, send } from '../support/registry.ts';
import { TestBucket } from '../support/s3.ts';

const MiB = 1 << 20;

describe('registry-server: parts of an object in S3', () => {
  const sourcesOf = (sizes: readonly number[]) =>
    sizes.map((size, index) => ({ key: String(index), size, modified: 0 }));
  const cases: readonly (readonly [sizes: readonly number[], parts: readonly string[]])[] = [
    [[], []],
    [[0, 0], []],
    [[3], ['0:0-3']],
    [
      [10, 10, 3],
      ['0:0-10', '1:0-10', '2:0-3'],
    ],
    [[40], ['0:0-16', '0:16-32', '0:32-40']],
    [[18], ['0:0-16', '0:16-18']],
    [
      [18, 10],
      ['0:0-16', '0:16-18 1:0-3', '1:3-10'],
    ],
    [
      [1, 1, 1, 1, 1, 1],
      ['0:0-1 1:0-1 2:0-1 3:0-1 4:0-1', '5:0-1'],
    ],
    [
      [1, 12, 0, 2],
      ['0:0-1 1:0-4', '1:4-12', '3:0-2'],
    ],
    [
      [7, 3, 7],
      ['0:0-7', '1:0-3 2:0-2', '2:2-7'],
    ],
  ];
  for (const [sizes, wanted] of cases) {
    it(`of ${sizes.join(', ')} MiB are ${wanted.join(', ') || 'none'}`, () => {
      const parts = planParts(sourcesOf(sizes.map(size => size * MiB)), 16 * MiB);
      const shown = parts.map(part =>
        part.map(({ key, start, end }) => `${key}:${start / MiB}-${end / MiB}`).join(' '),
      );
      expect(shown).to.deep.equal(wanted);
    });
  }

  it('are never too small for S3, and hold each byte once', () => {
    for (let round = 0; round < 200; round++) {
      const sizes = Array.from({ length: 1 + (round % 9) }, () => Math.floor(Math.random() ** 3 * 40 * MiB));
      const parts = planParts(sourcesOf(sizes), 16 * MiB);
      const ends = new Map<string, number>();
      parts.forEach((part, index) => {
        const size = part.reduce((sum, { start, end }) => sum + end - start, 0);
        expect(size).to.be.at.most(16 * MiB);
        if (index < parts.length - 1) expect(size).to.be.at.least(smallestPart);
        for (const { key, start, end } of part) {
          expect(start).to.equal(ends.get(key) ?? 0);
          ends.set(key, end);
        }
      });
      sizes.forEach((size, index) => expect(ends.get(String(index)) ?? 0).to.equal(size));
    }
  });
});

describe('registry-server: a bucket', function () {
  this.timeout(60_000);
  let bucket: TestBucket;
  const open: { close(): unknown }[] = [];
  before(async () => {
    bucket = await TestBucket.start();
  });
  afterEach(async () => {
    for (const each of open.splice(0).toReversed()) await each.close();
  });
  after(() => bucket.stop());

  async function serve(prefix: string, options: Partial<RegistryOptions> = {}): Promise<RunningRegistry> {
    const storage = { ...bucket.storage, prefix };
    const registry = await startRegistry({ storage, host: '127.0.0.1', port: 0, ...options });
    open.push(registry);
    return registry;
  }

  async function driverOn(prefix: string, lease?: number): Promise<StorageDriver> {
    const settings = { ...bucket.storage, prefix, ...(lease === undefined ? {} : { lease }) };
    const driver = new S3Driver(await S3Bucket.open(settings), settings);
    open.push({ close: () => driver.close() });
    return driver;
  }

  const layerOf = (digest: Digest, size: number) => [{ mediaType: mediaTypes.ociLayer, digest, size }];

  it('has the keys that registry:2 gives its files', async () => {
    const registry = await serve('layout');
    const image = await pushImage(registry.url, 'team/app', { tag: 'v1' });
    const driver = await driverOn('layout');
    const path = `docker/registry/v2/blobs/sha256/${image.layer.slice(7, 9)}/${image.layer.slice(7)}/data`;
    expect((await driver.readSmall(path, 100))?.toString()).to.equal('layer v1');
    const tag = 'docker/registry/v2/repositories/team/app/_manifests/tags/v1/current/link';
    expect((await driver.readSmall(tag, 100))?.toString()).to.equal(image.manifest);
    expect(await driver.list('docker/registry/v2/repositories/team/app/_uploads')).to.deep.equal([]);
  });

  it('takes a large blob in pieces of any size, and sends clients there for it', async () => {
    const registry = await serve('large');
    const content = randomBytes(23 * MiB + 17);
    const digest = digestOf(content);
    let { location = '' } = (await send(registry.url, 'POST /v2/a/blobs/uploads/')).headers;
    const cuts = [0, 1000, 1000, 2 * MiB, 13 * MiB, 13 * MiB + 5, content.length];
    for (let index = 0; index + 1 < cuts.length; index++) {
      const answer = await send(registry.url, `PATCH ${location}`, {
        body: content.subarray(cuts[index], cuts[index + 1]),
      });
      expect(answer.status).to.equal(202);
      location = answer.headers.location ?? '';
    }
    expect((await send(registry.url, `GET ${location}`)).headers.range).to.equal(`0-${content.length - 1}`);
    expect((await send(registry.url, `PUT ${location}?digest=${digest}`)).status).to.equal(201);
    const head = await send(registry.url, `HEAD /v2/a/blobs/${digest}`);
    expect([head.status, head.headers['content-length']]).to.deep.equal([200, String(content.length)]);
    const got = await send(registry.url, `GET /v2/a/blobs/${digest}`);
    expect([got.status, got.headers['docker-content-digest']]).to.deep.equal([307, digest]);
    const there = await fetch(got.headers.location ?? '');
    expect(digestOf(Buffer.from(await there.arrayBuffer()))).to.equal(digest);
    const part = await fetch(got.headers.location ?? '', { headers: { Range: 'bytes=5-9' } });
    expect(Buffer.from(await part.arrayBuffer())).to.deep.equal(content.subarray(5, 10));
  });

  it('serves blobs itself where clients are not to be sent elsewhere', async () => {
    const registry = await serve('own', { redirects: false });
    const { layer } = await pushImage(registry.url, 'a', { tag: 'v1' });
    const got = await send(registry.url, `GET /v2/a/blobs/${layer}`);
    expect([got.status, got.body.toString()]).to.deep.equal([200, 'layer v1']);
    const range = await send(registry.url, `GET /v2/a/blobs/${layer}`, { headers: { Range: 'bytes=2-4' } });
    expect([range.status, range.body.toString()]).to.deep.equal([206, 'yer']);
  });

  it('lists tags in pages, in the order of their names and not of their keys', async () => {
    const registry = await serve('pages');
    const tags = ['v1', 'v1-a', 'v1.0', 'v10', 'v2'];
    for (const tag of tags) await pushImage(registry.url, 'a', { tag });
    const found: string[] = [];
    let target: string | undefined = '/v2/a/tags/list?n=2';
    for (; target !== undefined; ) {
      const answer = await send(registry.url, `GET ${target}`);
      expect(answer.status).to.equal(200);
      found.push(...(answer.json as { tags: string[] }).tags);
      target = /^<([^>]*)>/.exec(String(answer.headers.link ?? ''))?.[1];
    }
    expect(found).to.deep.equal(tags);
    const behind = await send(registry.url, 'GET /v2/a/tags/list?n=5&last=v2');
    expect([behind.status, behind.json]).to.deep.equal([200, { name: 'a', tags: [] }]);
    expect((await send(registry.url, 'GET /v2/b/tags/list?n=5')).status).to.equal(404);
  });

  it('is shared by several registries at once', async () => {
    const registries = [await serve('shared'), await serve('shared'), await serve('shared')];
    const url = (index: number) => registries[index % registries.length]?.url ?? '';
    // An upload that each request brings to another registry.
    const content = randomBytes(3 * MiB);
    const path = new URL((await send(url(0), 'POST /v2/a/blobs/uploads/')).headers.location ?? '', url(0));
    const patch = await send(url(1), `PATCH ${path.pathname}`, { body: content.subarray(0, MiB) });
    expect(patch.headers.range).to.equal(`0-${MiB - 1}`);
    const put = await send(url(2), `PUT ${path.pathname}?digest=${digestOf(content)}`, {
      body: content.subarray(MiB),
    });
    expect(put.status).to.equal(201);
    expect((await send(url(0), `HEAD /v2/a/blobs/${digestOf(content)}`)).status).to.equal(200);
    // The same and different images from all sides.
    await Promise.all(
      Array.from({ length: 9 }, (_, index) =>
        pushImage(url(index), 'b', { tag: `t${index}`, salt: String(index % 4) }),
      ),
    );
    for (const registry of registries) {
      const { tags } = (await send(registry.url, 'GET /v2/b/tags/list')).json as { tags: string[] };
      expect(tags).to.have.length(9);
    }
    const { repositories } = (await send(url(1), 'GET /v2/_catalog')).json as { repositories: string[] };
    expect(repositories).to.deep.equal(['b']);
    await send(url(2), 'DELETE /v2/b/manifests/t3');
    expect((await send(url(0), 'GET /v2/b/manifests/t3')).status).to.equal(404);
  });

  it('gives back the space of what was deleted, while another registry is pushed to', async () => {
    const garbage = { delay: 20, grace: 0 };
    const registry = await serve('garbage', { garbage });
    const other = await serve('garbage', { garbage });
    const layer = randomBytes(6 * MiB);
    const { config, manifest } = imageManifest('x', { layers: layerOf(digestOf(layer), layer.length) });
    await pushBlob(registry.url, 'a', layer);
    await pushBlob(registry.url, 'a', config);
    const digest = await pushManifest(registry.url, 'a', { reference: 'x', manifest });
    const kept = await pushImage(registry.url, 'a', { tag: 'kept' });
    expect((await send(registry.url, `DELETE /v2/a/manifests/${digest}`)).status).to.equal(202);
    for (let count = 0; count < 4; count++) await pushImage(other.url, 'b', { tag: `t${count}` });
    const driver = await driverOn('garbage');
    const hex = digestOf(layer).slice(7);
    while ((await driver.stat(`docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}`)) !== undefined)
      await delay(20);
    const all = await collectGarbage(driver, { grace: 0, dryRun: true });
    expect(all.blobs).to.equal(0);
    expect((await send(other.url, `HEAD /v2/a/blobs/${kept.layer}`)).status).to.equal(200);
    for (let count = 0; count < 4; count++)
      expect((await send(registry.url, `GET /v2/b/manifests/t${count}`)).status).to.equal(200);
    expect((await send(registry.url, `HEAD /v2/a/blobs/${digestOf(layer)}`)).status).to.equal(404);
  });

  it('says when it is not there, and when the key is wrong', async () => {
    const errorOf = async (change: object) => {
      try {
        (await openDriver({ ...bucket.storage, ...change })).close?.();
      } catch (error) {
        if (isHawserError(error)) return [error.code, error.message];
      }
      return [];
    };
    const missing = await errorOf({ bucket: 'not-there' });
    expect(missing[0]).to.equal('INVALID_ARGUMENT');
    expect(missing[1]).to.contain('not-there');
    const credentials = { accessKeyId: 'SOMEBODY', secretAccessKey: 'else', sessionToken: undefined };
    expect((await errorOf({ credentials }))[0]).to.equal('PERMISSION_DENIED');
    expect((await errorOf({ endpoint: 'http://127.0.0.1:9' }))[0]).to.equal('UNAVAILABLE');
  });

  it('has locks that one of several processes takes, and that go with it', async () => {
    const [first, second] = [await driverOn('locks', 300), await driverOn('locks', 300)];
    const path = 'docker/registry/v2/x/lock';
    await first.write(path, '');
    for (let round = 0; round < 10; round++) {
      const locks = await Promise.all([first.tryLock(path), second.tryLock(path)]);
      const held = locks.filter(lock => lock !== undefined);
      expect(held.length).to.be.at.most(1);
      for (const lock of held) await lock.release();
    }
    const lock = await first.tryLock(path);
    expect(lock).not.to.equal(undefined);
    await delay(1000); // renewed meanwhile
    expect(await second.tryLock(path)).to.equal(undefined);
    await lock?.release();
    const again = await second.tryLock(path);
    expect(again).not.to.equal(undefined);
    await again?.release();
    // A claim of somebody who died.
    await first.write(`docker/registry/v2/_hawser/locks/${path}/dead`, '');
    expect(await second.tryLock(path)).to.equal(undefined);
    await delay(1500);
    const taken = await second.tryLock(path);
    expect(taken).not.to.equal(undefined);
    await taken?.release();
    expect(await first.list(`docker/registry/v2/_hawser/locks/${path}`)).to.deep.equal([]);
  });

  it('lists more than a page', async () => {
    const driver = await driverOn('many');
    const names = Array.from({ length: 1100 }, (_, index) => `n${String(index).padStart(4, '0')}`);
    await Promise.all(names.map(name => driver.write(`f/${name}/link`, 'x')));
    expect(await driver.list('f')).to.deep.equal(names);
    await driver.remove('f');
    expect(await driver.stat('f')).to.equal(undefined);
  });

  it('keeps the age of what it moves', async () => {
    const driver = await driverOn('age');
    await driver.write('a', 'x');
    const before = (await driver.stat('a'))?.modified;
    await delay(1100);
    await driver.move('a', 'b');
    await driver.move('b', 'c');
    expect((await driver.stat('c'))?.modified).to.equal(before);
    expect(isHawserError(await driver.move('a', 'b').catch((error: unknown) => error), 'NOT_FOUND')).to.equal(
      true,
    );
  });
});
