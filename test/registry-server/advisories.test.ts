import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { digestOf } from '../../src/image/digest.ts';
import { manifestSizeLimit } from '../../src/image/manifest.ts';
import { mediaTypes } from '../../src/image/media-types.ts';
import { codeOf, imageManifest, pushImage, TestRegistry } from './support/registry.ts';

/** What known advisories of other registries teach: research of the field, section 6.2. */
describe('registry-server: advisories', () => {
  let registry: TestRegistry;
  beforeEach(async () => {
    registry = await TestRegistry.start();
  });
  afterEach(() => registry.dispose());

  it('CVE-2017-11468: an endless manifest ends with 413, and little memory', async () => {
    const before = process.memoryUsage().rss;
    let sent = 0;
    async function* endless() {
      const chunk = Buffer.alloc(65_536, ' ');
      for (; sent < 200 << 20; sent += chunk.length) yield chunk;
    }
    const streamed = await registry.send('PUT /v2/a/manifests/v1', { body: endless() });
    expect([streamed.status, codeOf(streamed)]).to.deep.equal([413, 'SIZE_INVALID']);
    expect(process.memoryUsage().rss - before).to.be.lessThan(100 << 20);
    const announced = await registry.send('PUT /v2/a/manifests/v1', {
      body: Buffer.alloc(manifestSizeLimit + 1, ' '),
    });
    expect(announced.status).to.equal(413);
  });

  it('a client that reads only when it has sent all sees why its body was refused', async () => {
    const socket = connect(registry.port, '127.0.0.1').pause();
    const size = 3 * manifestSizeLimit;
    socket.write(`PUT /v2/a/manifests/v1 HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
    for (let sent = 0; sent < size; sent += 1 << 20) {
      await new Promise<void>((resolve, reject) => {
        socket.write(Buffer.alloc(1 << 20, ' '), error => (error ? reject(error) : resolve()));
      });
      await delay(20);
    }
    const answer = Buffer.concat(await socket.toArray()).toString();
    expect(answer).to.match(/^HTTP\/1.1 413 .*SIZE_INVALID/s);
  });

  it('CVE-2017-11468: a manifest of 4 MiB is taken', async () => {
    const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [], annotations: { x: '' } };
    const room = manifestSizeLimit - JSON.stringify(index).length;
    const body = JSON.stringify({ ...index, annotations: { x: 'x'.repeat(room) } });
    expect(body.length).to.equal(manifestSizeLimit);
    expect((await registry.send('PUT /v2/a/manifests/v1', { body })).status).to.equal(201);
    expect((await registry.send('GET /v2/a/manifests/v1')).body.length).to.equal(manifestSizeLimit);
  });

  it('CVE-2021-41190: a document that is both manifest and index is refused', async () => {
    const { config, layer, manifest } = imageManifest('x');
    await registry.pushBlob('a', config);
    await registry.pushBlob('a', layer);
    const body = (mediaType: string) => JSON.stringify({ ...manifest, mediaType, manifests: [] });
    for (const mediaType of [mediaTypes.ociManifest, mediaTypes.ociIndex]) {
      const answer = await registry.send('PUT /v2/a/manifests/v1', {
        body: body(mediaType),
        headers: { 'Content-Type': mediaType },
      });
      expect([answer.status, codeOf(answer)]).to.deep.equal([400, 'MANIFEST_INVALID']);
    }
  });

  it('CVE-2023-2253: a huge page of the catalog is clamped', async () => {
    await pushImage(registry.url, 'a', { tag: 'v1' });
    for (const n of [2 ** 31, 2 ** 31 - 1, 999_999_999_999]) {
      const answer = await registry.send(`GET /v2/_catalog?n=${n}`);
      expect([answer.status, answer.json]).to.deep.equal([200, { repositories: ['a'] }]);
    }
    const tooLong = await registry.send(`GET /v2/_catalog?n=${'9'.repeat(400)}`);
    expect([tooLong.status, codeOf(tooLong)]).to.deep.equal([400, 'PAGINATION_NUMBER_INVALID']);
  });

  const hex = 'a'.repeat(64);
  const outside = [
    'GET /v2/a/blobs/sha256:../../../../../secret',
    'GET /v2/a/blobs/sha256:..%2f..%2f..%2fsecret',
    `GET /v2/a/blobs/sha256:${hex}%00`,
    `GET /v2/a/blobs/SHA256:${hex}`,
    `GET /v2/a/blobs/md5:${hex}`,
    'GET /v2/a/manifests/sha256:../../x',
    'GET /v2/a/manifests/..',
    'GET /v2/a/manifests/%2e%2e',
    'GET /v2/../../secret/tags/list',
    'GET /v2/%2e%2e/%2e%2e/secret/tags/list',
    'GET /v2/a%2f..%2f..%2fsecret/tags/list',
    'GET /v2/a/../_uploads/tags/list',
    'GET /v2/_uploads/tags/list',
    'GET /v2/a/_manifests/tags/list',
    'GET /v2/a\\..\\b/tags/list',
    `GET /v2/${'a'.repeat(256)}/tags/list`,
    'GET /v2/a/blobs/uploads/../../../../secret',
    'GET /v2/a/blobs/uploads/..',
    'PATCH /v2/a/blobs/uploads/%2e%2e',
    'DELETE /v2/a/blobs/uploads/..%2f..',
    `POST /v2/a/blobs/uploads/?mount=sha256:${hex}&from=../../x`,
    'POST /v2/a/blobs/uploads/?mount=sha256:..%2f..%2fx',
    'PUT /v2/a/manifests/sha256:..',
    `PUT /v2/a/manifests/${'t'.repeat(129)}`,
    'DELETE /v2/a/manifests/..',
  ];
  for (const line of outside) {
    it(`CVE-2024-3727: ${line.slice(0, 60)} touches no file`, async () => {
      writeFileSync(join(registry.folder, 'secret'), 'secret');
      const answer = await registry.send(line, { body: line.startsWith('P') ? 'x' : undefined });
      expect(answer.status).to.be.oneOf([400, 404]);
      expect(answer.body.toString()).not.to.equal('secret');
      expect(existsSync(registry.path(''))).to.equal(false);
      expect(readdirSync(registry.folder).sort()).to.deep.equal(['secret', 'volume']);
    });
  }

  it('CVE-2024-39897: a repository gives away only what it links itself', async () => {
    const digest = await registry.pushBlob('private', 'private bytes');
    expect((await registry.send(`HEAD /v2/public/blobs/${digest}`)).status).to.equal(404);
    expect((await registry.send(`GET /v2/public/blobs/${digest}`)).status).to.equal(404);
    const mounted = await registry.send(`POST /v2/other/blobs/uploads/?mount=${digest}&from=public`);
    expect(mounted.status).to.equal(202);
    expect((await registry.send(`HEAD /v2/other/blobs/${digest}`)).status).to.equal(404);
  });

  it('CVE-2026-35172: what one repository deleted does not come back through another', async () => {
    const image = await pushImage(registry.url, 'a', { tag: 'v1', salt: 'same' });
    await pushImage(registry.url, 'b', { tag: 'v1', salt: 'same' });
    await registry.send(`GET /v2/a/manifests/${image.manifest}`);
    await registry.send(`DELETE /v2/a/manifests/${image.manifest}`);
    await registry.send(`DELETE /v2/a/blobs/${image.layer}`);
    await registry.send(`GET /v2/b/manifests/${image.manifest}`);
    await registry.send(`GET /v2/b/blobs/${image.layer}`);
    expect((await registry.send(`HEAD /v2/a/blobs/${image.layer}`)).status).to.equal(404);
    expect((await registry.send(`HEAD /v2/a/manifests/${image.manifest}`)).status).to.equal(404);
    expect((await registry.send('HEAD /v2/a/manifests/v1')).status).to.equal(404);
  });

  it('CVE-2026-41888: with deleting off, no way of deleting works', async () => {
    const image = await pushImage(registry.url, 'a', { tag: 'v1' });
    await registry.restart({ deleteEnabled: false });
    for (const path of ['manifests/v1', `manifests/${image.manifest}`, `blobs/${image.layer}`]) {
      const answer = await registry.send(`DELETE /v2/a/${path}`);
      expect([answer.status, codeOf(answer)], path).to.deep.equal([405, 'UNSUPPORTED']);
      expect((await registry.send(`HEAD /v2/a/${path}`)).status, path).to.equal(200);
    }
    const { headers } = await registry.send('POST /v2/a/blobs/uploads/');
    expect((await registry.send(`DELETE ${headers.location}`)).status).to.equal(204);
  });

  it('limits the tags of one push', async () => {
    const body = '{"schemaVersion":2,"manifests":[]}';
    const tags = Array.from({ length: 101 }, (_, index) => `tag=t${index}`).join('&');
    const answer = await registry.send(`PUT /v2/a/manifests/${digestOf(body)}?${tags}`, { body });
    expect(answer.status).to.equal(414);
    const long = await registry.send(`GET /v2/_catalog?last=${'a'.repeat(64 << 10)}`);
    expect(long.status).to.equal(431);
  });

  it('does not tell clients what the system said', async () => {
    writeFileSync(join(registry.root, 'docker'), 'in the way');
    const answer = await registry.send('POST /v2/a/blobs/uploads/');
    expect(answer.status).to.equal(500);
    expect(answer.body.toString()).not.to.include(registry.folder);
  });
});
