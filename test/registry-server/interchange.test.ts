import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { digestOf } from '../../src/image/digest.ts';
import { mediaTypes } from '../../src/image/media-types.ts';
import { DockerRegistry } from './support/docker-registry.ts';
import {
  imageManifest,
  isInstalled,
  pushBlob,
  pushImage,
  pushManifest,
  send,
  TestRegistry,
} from './support/registry.ts';

/** What both registries must agree on, pushed to one and read from the other. */
async function pushAll(url: string): Promise<Record<string, string>> {
  const expected: Record<string, string> = {};
  const expectSame = (path: string, body: string) => (expected[path] = body);
  for (const name of ['app', 'team/app', 'team/app/deep']) {
    for (const tag of ['v1', 'latest']) {
      const image = await pushImage(url, name, { tag, salt: `${name}:${tag}` });
      expectSame(`${name}/manifests/${tag}`, image.bytes);
      expectSame(`${name}/manifests/${image.manifest}`, image.bytes);
      expectSame(`${name}/blobs/${image.layer}`, `layer ${name}:${tag}`);
    }
  }
  const moved = await pushImage(url, 'app', { tag: 'v1', salt: 'moved' });
  expectSame('app/manifests/v1', moved.bytes);
  const docker = await pushImage(url, 'docker', {
    tag: 'v1',
    extra: { mediaType: mediaTypes.dockerManifest },
  });
  expectSame('docker/manifests/v1', docker.bytes);
  const { bytes } = await pushImage(url, 'index', { tag: 'child' });
  for (const mediaType of [mediaTypes.ociIndex, mediaTypes.dockerManifestList]) {
    const manifests = [
      {
        mediaType: mediaTypes.ociManifest,
        digest: digestOf(bytes),
        size: bytes.length,
        platform: { os: 'linux', architecture: 'amd64' },
      },
    ];
    const manifest = { schemaVersion: 2, mediaType, manifests };
    const reference = mediaType === mediaTypes.ociIndex ? 'oci' : 'docker';
    await pushManifest(url, 'index', { reference, manifest });
    expectSame(`index/manifests/${reference}`, JSON.stringify(manifest));
  }
  const large = 'sha512 '.repeat(1000);
  await pushBlob(url, 'app', large, digestOf(large, 'sha512'));
  expectSame(`app/blobs/${digestOf(large, 'sha512')}`, large);
  expectSame(`app/blobs/${digestOf(large)}`, large);
  return expected;
}

const everyType = [
  mediaTypes.ociManifest,
  mediaTypes.ociIndex,
  mediaTypes.dockerManifest,
  mediaTypes.dockerManifestList,
].join(', ');

async function expectAll(url: string, expected: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, body] of Object.entries(expected)) {
    const got = await send(url, `GET /v2/${path}`, { headers: { Accept: everyType } });
    expect(got.status, path).to.equal(200);
    expect(got.body.toString(), path).to.equal(body);
    if (!path.includes('/manifests/')) continue;
    expect(got.headers['content-type'], path).to.equal((JSON.parse(body) as { mediaType: string }).mediaType);
    expect(got.headers['docker-content-digest'], path).to.equal(digestOf(body));
  }
}

async function expectLists(url: string): Promise<void> {
  const catalog = await send(url, 'GET /v2/_catalog');
  const repositories = ['app', 'docker', 'index', 'team/app', 'team/app/deep'];
  expect(catalog.json).to.deep.equal({ repositories });
  const { tags } = (await send(url, 'GET /v2/index/tags/list')).json as { tags: string[] };
  expect([...tags].sort()).to.deep.equal(['child', 'docker', 'oci']);
}

describe('registry-server: interchange of volumes with docker-registry 2.8', () => {
  let registry: TestRegistry;
  let peer: DockerRegistry;
  before(function () {
    if (!isInstalled('docker-registry')) this.skip();
  });
  beforeEach(async () => {
    registry = await TestRegistry.start();
    peer = await DockerRegistry.start(registry.root, registry.folder);
  });
  afterEach(async () => {
    await peer.stop();
    await registry.dispose();
  });

  it('docker-registry serves what hawser wrote', async () => {
    const expected = await pushAll(registry.url);
    await expectAll(registry.url, expected);
    await expectAll(peer.url, expected);
    await expectLists(registry.url);
    await expectLists(peer.url);
  });

  it('hawser serves what docker-registry wrote', async () => {
    const expected = await pushAll(peer.url);
    await expectAll(peer.url, expected);
    await expectAll(registry.url, expected);
    await expectLists(registry.url);
  });

  it('each sees what the other deletes', async () => {
    for (const [one, other] of [
      [registry.url, peer.url],
      [peer.url, registry.url],
    ] as const) {
      const image = await pushImage(one, 'a', { tag: 'v1' });
      const path = `/v2/a/manifests/${image.manifest}`;
      const headers = { Accept: everyType };
      expect((await send(other, `GET ${path}`, { headers })).status).to.equal(200);
      expect((await send(other, `DELETE ${path}`)).status).to.equal(202);
      expect((await send(other, `DELETE /v2/a/blobs/${image.layer}`)).status).to.equal(202);
      for (const gone of [path, '/v2/a/manifests/v1', `/v2/a/blobs/${image.layer}`]) {
        expect((await send(one, `GET ${gone}`, { headers })).status, gone).to.equal(404);
      }
    }
  });

  it('hawser serves the volume after garbage collection by docker-registry, and takes a push at once', async () => {
    const kept = await pushImage(registry.url, 'a', { tag: 'kept' });
    const { bytes } = await pushImage(registry.url, 'a', { tag: 'sha512' });
    const headers = { 'Content-Type': mediaTypes.ociManifest };
    const digest = digestOf(bytes, 'sha512');
    await send(registry.url, `PUT /v2/a/manifests/${digest}`, { body: bytes, headers });
    const gone = await pushImage(registry.url, 'a', { tag: 'gone' });
    await registry.send(`DELETE /v2/a/manifests/${gone.manifest}`);
    await peer.stop();
    const collected = spawnSync('docker-registry', ['garbage-collect', peer.config], { encoding: 'utf8' });
    expect(collected.status, collected.stderr).to.equal(0);
    expect((await registry.send(`HEAD /v2/a/blobs/${gone.layer}`)).status).to.equal(404);
    expect((await registry.send(`GET /v2/a/blobs/${kept.layer}`)).status).to.equal(200);
    for (const reference of ['kept', 'sha512', digest]) {
      expect((await registry.send(`GET /v2/a/manifests/${reference}`)).status, reference).to.equal(200);
    }
    expect((await pushImage(registry.url, 'a', { tag: 'gone' })).manifest).to.equal(gone.manifest);
    expect((await registry.send('GET /v2/a/manifests/gone')).status).to.equal(200);
  });

  it('hawser ends an upload that docker-registry began', async () => {
    const { config } = imageManifest('half');
    const started = await send(peer.url, 'POST /v2/a/blobs/uploads/');
    const patched = await send(peer.url, `PATCH ${started.headers.location}`, { body: config.slice(0, 20) });
    const { pathname, search } = new URL(patched.headers.location ?? '');
    expect((await registry.send(`GET ${pathname}`)).headers.range).to.equal('0-19');
    await registry.send(`PATCH ${pathname}${search}`, { body: config.slice(20) });
    const ended = await registry.send(`PUT ${pathname}${search}&digest=${digestOf(config)}`);
    expect(ended.status).to.equal(201);
    expect((await send(peer.url, `GET /v2/a/blobs/${digestOf(config)}`)).body.toString()).to.equal(config);
  });
});
