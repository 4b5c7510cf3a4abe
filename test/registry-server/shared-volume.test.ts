import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { expect } from 'chai';
import { digestOf } from '../../src/image/digest.ts';
import type { RunningRegistry } from '../../src/registry-server/start-registry.ts';
import { tryLock } from '../../src/util/file-lock.ts';
import { codeOf, pushImage, send, startOn, TestRegistry } from './support/registry.ts';

describe('registry-server: two servers on one volume', () => {
  let registry: TestRegistry;
  let other: RunningRegistry;
  beforeEach(async () => {
    registry = await TestRegistry.start();
    other = await startOn(registry.root);
  });
  afterEach(async () => {
    await other.close();
    await registry.dispose();
  });

  const pathOf = (location: string | undefined) => new URL(location ?? '').pathname;

  it('share an upload chunk by chunk', async () => {
    const content = randomBytes(300_000);
    const started = await registry.send('POST /v2/a/blobs/uploads/');
    const path = pathOf(started.headers.location);
    const urls = [registry.url, other.url, registry.url, other.url];
    for (const [index, url] of urls.entries()) {
      const body = content.subarray(index * 75_000, (index + 1) * 75_000);
      expect((await send(url, `PATCH ${path}`, { body })).status).to.equal(202);
    }
    const ended = await registry.send(`PUT ${path}?digest=${digestOf(content)}`);
    expect(ended.status).to.equal(201);
    expect((await send(other.url, `PATCH ${path}`, { body: 'x' })).status).to.equal(404);
    const got = await send(other.url, `GET /v2/a/blobs/${digestOf(content)}`);
    expect(got.body.equals(content)).to.equal(true);
  });

  it('never write to an upload at the same time, nor behind what was verified', async () => {
    const content = randomBytes(5_000_000);
    const started = await registry.send('POST /v2/a/blobs/uploads/');
    const path = pathOf(started.headers.location);
    let busy: (string | undefined)[] = [];
    async function* slow() {
      yield content.subarray(0, 4_000_000);
      for (let size = 0; size < 2; ) size = Number((await progress()).slice(2));
      const answers = [
        await send(other.url, `PATCH ${path}`, { body: 'x' }),
        await send(other.url, `PUT ${path}?digest=${digestOf(content.subarray(0, 4_000_000))}`),
      ];
      busy = answers.map(codeOf);
      yield content.subarray(4_000_000);
    }
    const progress = async () => (await send(other.url, `GET ${path}`)).headers.range ?? '';
    const patched = await registry.send(`PATCH ${path}`, { body: slow() });
    expect(patched.status).to.equal(202);
    expect(busy).to.deep.equal(['BLOB_UPLOAD_INVALID', 'BLOB_UPLOAD_INVALID']);
    const ended = await send(other.url, `PUT ${path}?digest=${digestOf(content)}`);
    expect(ended.status).to.equal(201);
    const got = await registry.send(`GET /v2/a/blobs/${digestOf(content)}`);
    expect(got.body.equals(content)).to.equal(true);
  });

  it('wait for a collector that looks whether an upload is written to', async () => {
    const started = await registry.send('POST /v2/a/blobs/uploads/');
    const path = pathOf(started.headers.location);
    const fd = openSync(registry.path(`repositories/a/_uploads/${path.split('/').at(-1)}/startedat`), 'r');
    expect(tryLock({ fd }, path)).to.equal(true);
    setTimeout(() => closeSync(fd), 100);
    const ended = await registry.send(`PUT ${path}?digest=${digestOf('content')}`, { body: 'content' });
    expect(ended.status).to.equal(201);
  });

  it('take the same blobs and tags at once', async () => {
    const urls = [registry.url, other.url];
    const pushes = Array.from({ length: 20 }, (_, index) =>
      pushImage(urls[index % 2] ?? '', 'a', { tag: `t${index % 4}`, salt: `${index % 5}` }),
    );
    const images = await Promise.all(pushes);
    for (const url of urls) {
      const list = await send(url, 'GET /v2/a/tags/list');
      expect(list.json).to.deep.equal({ name: 'a', tags: ['t0', 't1', 't2', 't3'] });
      for (const { manifest, layer, bytes } of images) {
        expect((await send(url, `GET /v2/a/manifests/${manifest}`)).body.toString()).to.equal(bytes);
        expect((await send(url, `HEAD /v2/a/blobs/${layer}`)).status).to.equal(200);
      }
    }
  });

  it('see at once what the other deletes and pushes', async () => {
    const image = await pushImage(registry.url, 'a', { tag: 'v1' });
    const look = async (url: string, line: string) => (await send(url, line)).status;
    for (const [one, two] of [
      [registry.url, other.url],
      [other.url, registry.url],
    ] as const) {
      expect(await look(two, 'GET /v2/a/manifests/v1')).to.equal(200);
      expect(await look(one, `DELETE /v2/a/manifests/${image.manifest}`)).to.equal(202);
      expect(await look(two, 'GET /v2/a/manifests/v1')).to.equal(404);
      expect(await look(two, `GET /v2/a/manifests/${image.manifest}`)).to.equal(404);
      await pushImage(one, 'a', { tag: 'v1' });
    }
  });
});
