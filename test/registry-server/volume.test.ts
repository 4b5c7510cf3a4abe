import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect } from 'chai';
import { type Digest, digestAlgorithm, digestHex, digestOf } from '../../src/image/digest.ts';
import { mediaTypes } from '../../src/image/media-types.ts';
import { codeOf, pushImage, TestRegistry } from './support/registry.ts';

const at = (digest: Digest) => `${digestAlgorithm(digest)}/${digestHex(digest)}`;
const blob = (digest: Digest) =>
  `blobs/${digestAlgorithm(digest)}/${digestHex(digest).slice(0, 2)}/${digestHex(digest)}`;

describe('registry-server: volume', () => {
  let registry: TestRegistry;
  beforeEach(async () => {
    registry = await TestRegistry.start();
  });
  afterEach(() => registry.dispose());

  const files = () =>
    readdirSync(registry.path(''), { recursive: true, encoding: 'utf8' })
      .filter(path => statSync(registry.path(path)).isFile() && !path.startsWith('_hawser/spent/'))
      .sort();
  const read = (path: string) => readFileSync(registry.path(path), 'utf8');
  const write = (path: string, content: string) => {
    mkdirSync(dirname(registry.path(path)), { recursive: true });
    writeFileSync(registry.path(path), content);
  };

  it('has the layout of registry:2, link by link', async () => {
    const image = await pushImage(registry.url, 'team/app', { tag: 'v1' });
    const repository = 'repositories/team/app';
    const digests = [image.config, image.layer, image.manifest];
    const links = [
      `${repository}/_layers/${at(image.config)}/link`,
      `${repository}/_layers/${at(image.layer)}/link`,
      `${repository}/_manifests/revisions/${at(image.manifest)}/link`,
      `${repository}/_manifests/tags/v1/current/link`,
      `${repository}/_manifests/tags/v1/index/${at(image.manifest)}/link`,
    ];
    expect(files()).to.deep.equal([...digests.map(digest => `${blob(digest)}/data`), ...links].sort());
    const contents = [image.config, image.layer, image.manifest, image.manifest, image.manifest];
    expect(links.map(read)).to.deep.equal(contents);
    expect(read(`${blob(image.manifest)}/data`)).to.equal(image.bytes);
  });

  it('keeps an upload as registry:2 does', async () => {
    const { headers } = await registry.send('POST /v2/a/blobs/uploads/');
    await registry.send(`PATCH ${headers.location}`, { body: 'some bytes' });
    const folder = `repositories/a/_uploads/${headers['docker-upload-uuid']}`;
    expect(readdirSync(registry.path(folder)).sort()).to.deep.equal(['data', 'startedat']);
    expect(read(`${folder}/data`)).to.equal('some bytes');
    expect(read(`${folder}/startedat`)).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  it('keeps what was pushed by sha512 under its sha256, with alias links beside', async () => {
    const content = 'pushed by sha512';
    const alias = await registry.pushBlob('a', content, digestOf(content, 'sha512'));
    const canonical = digestOf(content);
    expect(files()).to.deep.equal(
      [
        `${blob(canonical)}/data`,
        `${blob(alias)}/link`,
        `repositories/a/_layers/${at(canonical)}/link`,
        `repositories/a/_layers/${at(alias)}/link`,
      ].sort(),
    );
    for (const path of files().filter(path => path.endsWith('link'))) expect(read(path)).to.equal(canonical);
  });

  const pull = async (reference: string) => (await registry.send(`GET /v2/a/manifests/${reference}`)).status;

  it('counts an empty or broken link as absent, and mends it with the next push', async () => {
    const image = await pushImage(registry.url, 'a', { tag: 'v1' });
    const links = files().filter(path => path.endsWith('/link') && !path.includes('/index/'));
    for (const path of links) {
      for (const content of ['', 'sha256:12', 'x'.repeat(1000), digestOf('another')]) {
        write(path, content);
        await registry.restart();
        const lost = path.includes('_layers')
          ? await registry.send(`HEAD /v2/a/blobs/sha256:${path.split('/').at(-2)}`)
          : await registry.send('HEAD /v2/a/manifests/v1');
        expect(lost.status, `${path}: ${content}`).to.equal(404);
        expect((await pushImage(registry.url, 'a', { tag: 'v1' })).manifest).to.equal(image.manifest);
        expect(await pull('v1')).to.equal(200);
      }
    }
  });

  it('takes a link with a newline', async () => {
    const image = await pushImage(registry.url, 'a', { tag: 'v1' });
    write('repositories/a/_manifests/tags/v1/current/link', `${image.manifest}\n`);
    expect(await pull('v1')).to.equal(200);
  });

  it('tolerates dangling links, and content that a crash cut', async () => {
    const image = await pushImage(registry.url, 'a', { tag: 'v1' });
    rmSync(registry.path(`${blob(image.layer)}/data`));
    writeFileSync(registry.path(`${blob(image.config)}/data`), '');
    writeFileSync(registry.path(`${blob(image.manifest)}/data`), image.bytes.slice(0, 50));
    await registry.restart();
    for (const digest of [image.layer, image.config]) {
      const head = await registry.send(`GET /v2/a/blobs/${digest}`);
      expect([head.status, codeOf(head)]).to.deep.equal([404, 'BLOB_UNKNOWN']);
      const mount = await registry.send(`POST /v2/b/blobs/uploads/?mount=${digest}&from=a`);
      expect(mount.status).to.equal(202);
    }
    expect(await pull('v1')).to.equal(404);
    expect((await registry.send(`GET /v2/a/referrers/${image.layer}`)).status).to.equal(200);
    await pushImage(registry.url, 'a', { tag: 'v1' });
    expect(await pull('v1')).to.equal(200);
    expect((await registry.send(`GET /v2/a/blobs/${image.layer}`)).body.toString()).to.equal('layer v1');
  });

  it('tolerates what crashes and old versions leave behind', async () => {
    const image = await pushImage(registry.url, 'a', { tag: 'v1' });
    const revision = `repositories/a/_manifests/revisions/${at(image.manifest)}`;
    write('repositories/a/_manifests/tags/v1/current/link.0000.tmp', '');
    write(`${blob(image.layer)}/data.0000.tmp`, 'half');
    write(`${revision}/signatures/sha256/${'0'.repeat(64)}/link`, `sha256:${'0'.repeat(64)}`);
    write('repositories/a/_manifests/revisions/sha256/not-a-digest/link', 'x');
    write('repositories/a/_uploads/stale/data', 'stale');
    write('repositories/a/_uploads/7f4b8b9e-0000-0000-0000-000000000000/data', 'no startedat');
    write('repositories/only-uploads/_uploads/x/data', '');
    write('repositories/lost+found/x', '');
    write('repositories/README', '');
    write('_hawser/trash/left/over', '');
    await registry.restart();
    expect((await registry.send('GET /v2/_catalog')).json).to.deep.equal({ repositories: ['a'] });
    expect((await registry.send('GET /v2/a/tags/list')).json).to.deep.equal({ name: 'a', tags: ['v1'] });
    expect(await pull('v1')).to.equal(200);
    const stale = '/v2/a/blobs/uploads/7f4b8b9e-0000-0000-0000-000000000000';
    expect((await registry.send(`GET ${stale}`)).status).to.equal(404);
    const referrers = await registry.send(`GET /v2/a/referrers/${image.manifest}`);
    expect((referrers.json as { manifests: unknown[] }).manifests).to.deep.equal([]);
  });

  it('does not serve Docker schema 1, which lies in old volumes', async () => {
    const body = JSON.stringify({ schemaVersion: 1, mediaType: mediaTypes.dockerSchema1, fsLayers: [] });
    const digest = digestOf(body);
    write(`${blob(digest)}/data`, body);
    write(`repositories/a/_manifests/revisions/${at(digest)}/link`, digest);
    write('repositories/a/_manifests/tags/old/current/link', digest);
    expect(await pull('old')).to.equal(404);
  });

  it('serves what another server put there meanwhile', async () => {
    const other = await TestRegistry.start({ storage: { kind: 'filesystem', root: registry.root } });
    try {
      await pushImage(other.url, 'a', { tag: 'v1', salt: '1' });
      expect(await pull('v1')).to.equal(200);
      const second = await pushImage(other.url, 'a', { tag: 'v1', salt: '2' });
      const got = await registry.send('GET /v2/a/manifests/v1');
      expect(got.headers['docker-content-digest']).to.equal(second.manifest);
      await other.send(`DELETE /v2/a/manifests/${second.manifest}`);
      expect(await pull('v1')).to.equal(404);
      expect(await pull(second.manifest)).to.equal(404);
    } finally {
      await other.dispose();
    }
  });

  it('removes a tag as a whole', async () => {
    await pushImage(registry.url, 'a', { tag: 'v1' });
    await registry.send('DELETE /v2/a/manifests/v1');
    expect(existsSync(registry.path('repositories/a/_manifests/tags/v1'))).to.equal(false);
    expect(readdirSync(registry.path('_hawser/trash'))).to.deep.equal([]);
  });
});
