import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { parseRepositoryName } from '../../../src/distribution/names.ts';
import { type Digest, digestHex, digestOf } from '../../../src/image/digest.ts';
import { mediaTypes } from '../../../src/image/media-types.ts';
import {
  type CollectEvent,
  type CollectOptions,
  collectGarbage,
} from '../../../src/registry-server/gc/collector.ts';
import { DigestSet } from '../../../src/registry-server/gc/digest-set.ts';
import { referencesIn } from '../../../src/registry-server/gc/manifest-references.ts';
import { putBack, setAside } from '../../../src/registry-server/gc/set-aside.ts';
import { type VolumeProblem, verifyVolume } from '../../../src/registry-server/maintenance/verify-volume.ts';
import { FilesystemDriver } from '../../../src/registry-server/storage/filesystem-driver.ts';
import { removeLink } from '../../../src/registry-server/storage/links.ts';
import { linkPath } from '../../../src/registry-server/storage/paths.ts';
import { DockerRegistry } from '../support/docker-registry.ts';
import { isInstalled, pushImage, send, TestRegistry } from '../support/registry.ts';

let registry: TestRegistry;
const blobFolder = (digest: Digest) =>
  registry.path(`blobs/sha256/${digestHex(digest).slice(0, 2)}/${digestHex(digest)}`);
const isStored = (digest: Digest) => existsSync(join(blobFolder(digest), 'data'));
const link = (name: string, kind: string, digest: Digest) =>
  registry.path(`repositories/${name}/${kind}/sha256/${digestHex(digest)}/link`);

/** Makes everything that is on the volume now an hour old. */
function age(folder = registry.root): void {
  const time = Date.now() / 1000 - 3600;
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    utimesSync(join(folder, entry), time, time);
}

async function collect(options: Partial<CollectOptions> = {}) {
  const events: CollectEvent[] = [];
  const driver = new FilesystemDriver(registry.root);
  const collected = await collectGarbage(driver, {
    grace: 60_000,
    onProgress: event => events.push(event),
    ...options,
  });
  return { collected, events };
}

describe('registry-server: garbage of a whole volume', () => {
  beforeEach(async () => {
    registry = await TestRegistry.start();
  });
  afterEach(() => registry.dispose());

  it('removes old content that no manifest names, and keeps young one', async () => {
    const old = await registry.pushBlob('a', 'old');
    const image = await pushImage(registry.url, 'a', { tag: 'v1' });
    age();
    const young = await registry.pushBlob('a', 'young');
    const { collected, events } = await collect();
    expect(collected).to.deep.include({ repositories: 1, manifests: 0, links: 1, blobs: 1, size: 3 });
    expect(events.map(({ kind }) => kind)).to.deep.equal(['repository', 'link', 'blob']);
    expect([old, young, image.layer, image.config, image.manifest].map(isStored)).to.deep.equal([
      false,
      true,
      true,
      true,
      true,
    ]);
    expect(existsSync(blobFolder(old))).to.equal(false);
    expect(existsSync(dirname(link('a', '_layers', old)))).to.equal(false);
  });

  it('says what would go with dryRun, and changes nothing', async () => {
    await registry.pushBlob('a', 'old');
    const { manifest } = await pushImage(registry.url, 'a', { tag: 'v1' });
    await registry.send('DELETE /v2/a/manifests/v1');
    age();
    const files = () =>
      readdirSync(registry.path(''), { recursive: true })
        .filter(path => !String(path).includes('_hawser'))
        .sort();
    const before = files();
    const { collected, events } = await collect({ dryRun: true, untagged: true });
    expect(collected).to.deep.include({ manifests: 1, links: 3, blobs: 4 });
    expect(events.find(({ kind }) => kind === 'manifest')).to.deep.include({ name: 'a', digest: manifest });
    expect(files()).to.deep.equal(before);
  });

  it('keeps what a push that goes on has linked', async () => {
    const digest = await registry.pushBlob('a', 'first of many layers');
    const { headers } = await registry.send('POST /v2/a/blobs/uploads/');
    age();
    await registry.send(`PATCH ${headers.location}`, { body: 'second' });
    await collect();
    expect((await registry.send(`HEAD /v2/a/blobs/${digest}`)).status).to.equal(200);
    await registry.send(`DELETE ${headers.location}`);
    await collect();
    expect((await registry.send(`HEAD /v2/a/blobs/${digest}`)).status).to.equal(404);
  });

  it('keeps untagged manifests, and with untagged those that a tag, an index or a subject keeps', async () => {
    const images = {
      tagged: await pushImage(registry.url, 'a', { tag: 'tagged' }),
      child: await pushImage(registry.url, 'a', { tag: 'child' }),
      lonely: await pushImage(registry.url, 'a', { tag: 'lonely' }),
    };
    const subject = { mediaType: mediaTypes.ociManifest, digest: images.tagged.manifest, size: 1 };
    const signature = await pushImage(registry.url, 'a', { tag: 'signature', extra: { subject } });
    const orphan = await pushImage(registry.url, 'a', {
      tag: 'orphan',
      extra: { subject: { ...subject, digest: digestOf('nobody') } },
    });
    await registry.pushManifest('a', 'index', {
      schemaVersion: 2,
      mediaType: mediaTypes.ociIndex,
      manifests: [{ mediaType: mediaTypes.ociManifest, digest: images.child.manifest, size: 1 }],
    });
    for (const tag of ['child', 'lonely', 'signature', 'orphan'])
      await registry.send(`DELETE /v2/a/manifests/${tag}`);
    age();
    expect((await collect()).collected).to.deep.include({ manifests: 0, links: 0, blobs: 0 });
    expect((await collect({ untagged: true })).collected).to.deep.include({
      manifests: 2,
      links: 4,
      blobs: 6,
    });
    const kept = [images.tagged, images.child, signature];
    for (const { manifest, layer } of kept) {
      expect((await registry.send(`GET /v2/a/manifests/${manifest}`)).status).to.equal(200);
      expect((await registry.send(`GET /v2/a/blobs/${layer}`)).status).to.equal(200);
    }
    for (const { manifest } of [images.lonely, orphan]) expect(isStored(manifest)).to.equal(false);
  });

  it('touches no repository with a manifest that cannot be read', async () => {
    const image = await pushImage(registry.url, 'a', { tag: 'v1' });
    const other = await registry.pushBlob('a', 'who knows');
    await registry.pushBlob('b', 'garbage');
    writeFileSync(join(blobFolder(image.manifest), 'data'), 'not a manifest');
    age();
    const { collected, events } = await collect({ untagged: true });
    expect(events).to.deep.include({ kind: 'broken', name: 'a', digest: image.manifest });
    expect(collected).to.deep.include({ links: 1, blobs: 1 });
    for (const digest of [image.manifest, image.layer, image.config, other])
      expect(isStored(digest)).to.equal(true);
  });

  it('reads manifests of Docker schema 1, which nobody can pull any more', async () => {
    const layer = await registry.pushBlob('a', 'an old layer');
    const bytes = JSON.stringify({ schemaVersion: 1, fsLayers: [{ blobSum: layer }] });
    const digest = digestOf(bytes);
    mkdirSync(blobFolder(digest), { recursive: true });
    writeFileSync(join(blobFolder(digest), 'data'), bytes);
    mkdirSync(dirname(link('a', '_manifests/revisions', digest)), { recursive: true });
    writeFileSync(link('a', '_manifests/revisions', digest), digest);
    age();
    await collect();
    expect([isStored(layer), isStored(digest)]).to.deep.equal([true, true]);
  });

  it('removes what crashes left: half a blob, trash, dead names, links without content', async () => {
    const image = await pushImage(registry.url, 'a', { tag: 'v1' });
    const half = digestOf('half');
    mkdirSync(blobFolder(half), { recursive: true });
    writeFileSync(join(blobFolder(half), 'data.123.abc.tmp'), 'ha');
    mkdirSync(registry.path('_hawser/trash/x/y'), { recursive: true });
    writeFileSync(registry.path('_hawser/trash/x/y/z'), '');
    const content = 'by sha512';
    await registry.pushBlob('a', content, digestOf(content, 'sha512'));
    await registry.send(`DELETE /v2/a/blobs/${digestOf(content, 'sha512')}`);
    const dangling = await registry.pushBlob('b', 'dangling');
    rmSync(blobFolder(dangling), { recursive: true });
    age();
    await collect();
    expect(existsSync(blobFolder(half))).to.equal(false);
    expect(readdirSync(registry.path('_hawser/trash'))).to.deep.equal([]);
    expect(readdirSync(registry.path('blobs/sha512'))).to.deep.equal([]);
    expect(existsSync(link('b', '_layers', dangling))).to.equal(false);
    expect((await registry.send('GET /v2/a/manifests/v1')).body.toString()).to.equal(image.bytes);
  });

  it('removes tags that a crash left half made, and no other', async () => {
    await pushImage(registry.url, 'a', { tag: 'v1' });
    await pushImage(registry.url, 'a', { tag: 'half' });
    await pushImage(registry.url, 'a', { tag: 'young' });
    for (const tag of ['half', 'young'])
      rmSync(registry.path(`repositories/a/_manifests/tags/${tag}/current/link`));
    age();
    rmSync(registry.path('repositories/a/_manifests/tags/young/index'), { recursive: true });
    await collect();
    expect((await registry.send('GET /v2/a/tags/list')).json).to.deep.equal({
      name: 'a',
      tags: ['v1', 'young'],
    });
  });

  it('puts back what a collector that was killed had set aside', async () => {
    const image = await pushImage(registry.url, 'a', { tag: 'v1' });
    const hex = digestHex(image.layer);
    for (const path of [
      `blobs/sha256/${hex.slice(0, 2)}/${hex}/data`,
      `repositories/a/_layers/sha256/${hex}/link`,
    ]) {
      const aside = registry.path(`_hawser/collecting/${path}`);
      mkdirSync(dirname(aside), { recursive: true });
      spawnSync('mv', [registry.path(path), aside]);
    }
    await collect();
    expect((await registry.send(`GET /v2/a/blobs/${image.layer}`)).body.toString()).to.equal('layer v1');
    expect(readdirSync(registry.path('_hawser/collecting'))).to.deep.equal([]);
  });

  it('puts nothing back that a client deleted while it was set aside', async () => {
    const image = await pushImage(registry.url, 'a', { tag: 'v1' });
    const driver = new FilesystemDriver(registry.root);
    const name = parseRepositoryName('a');
    const path = linkPath(name, '_layers', image.layer);
    expect(await setAside(driver, path)).to.equal(true);
    await removeLink(driver, { name, kind: '_layers', canonical: image.layer });
    await putBack(driver, path);
    expect(await driver.stat(path)).to.equal(undefined);
    expect((await registry.send(`HEAD /v2/a/blobs/${image.layer}`)).status).to.equal(404);
  });

  it('is done by one collector at a time, and can be cancelled', async () => {
    await registry.pushBlob('a', 'old');
    age();
    const all = await Promise.all([collect(), collect(), collect()]);
    expect(all.map(({ collected }) => collected.blobs).sort()).to.deep.equal([0, 0, 1]);
    const error = await collect({ signal: AbortSignal.abort() }).catch((caught: Error) => caught);
    expect(error).to.include({ code: 'ABORTED' });
  });

  describe('of docker-registry 2.8', () => {
    let peer: DockerRegistry;
    beforeEach(async function () {
      if (!isInstalled('docker-registry')) this.skip();
      peer = await DockerRegistry.start(registry.root, registry.folder);
    });
    afterEach(() => peer?.stop());

    it('removes what it left, while it serves, and what is left is served by both', async () => {
      const kept = await pushImage(peer.url, 'team/app', { tag: 'kept' });
      const gone = await pushImage(peer.url, 'team/app', { tag: 'gone' });
      await send(peer.url, `DELETE /v2/team/app/manifests/${gone.manifest}`);
      age();
      const { collected } = await collect();
      expect(collected).to.deep.include({ links: 2, blobs: 3 });
      for (const url of [peer.url, registry.url]) {
        expect((await send(url, `GET /v2/team/app/blobs/${kept.layer}`)).status).to.equal(200);
        expect((await send(url, `GET /v2/team/app/blobs/${gone.layer}`)).status).to.equal(404);
      }
    });

    it('leaves nothing that its own garbage-collect would remove', async () => {
      for (const tag of ['1', '2', '3']) await pushImage(peer.url, 'a', { tag });
      const { manifest } = await pushImage(peer.url, 'a', { tag: '4' });
      await send(peer.url, `DELETE /v2/a/manifests/${manifest}`);
      age();
      await collect();
      await peer.stop();
      const own = spawnSync('docker-registry', ['garbage-collect', '--dry-run', peer.config], {
        encoding: 'utf8',
      });
      expect(own.stdout).to.match(/0 blobs and 0 manifests eligible for deletion/);
    });
  });
});

describe('registry-server: verification of a volume', () => {
  beforeEach(async () => {
    registry = await TestRegistry.start();
  });
  afterEach(() => registry.dispose());

  const verify = async (quarantine = false) => {
    const problems: VolumeProblem[] = [];
    const verified = await verifyVolume(new FilesystemDriver(registry.root), {
      quarantine,
      onProblem: each => problems.push(each),
    });
    return { problems, verified };
  };

  it('finds nothing wrong where nothing is', async () => {
    await pushImage(registry.url, 'a', { tag: 'v1' });
    await pushImage(registry.url, 'a/b', { tag: 'v1' });
    await registry.pushBlob('a', 'x', digestOf('x', 'sha512'));
    await registry.pushManifest('a', 'sparse', {
      schemaVersion: 2,
      mediaType: mediaTypes.ociIndex,
      manifests: [{ mediaType: mediaTypes.ociManifest, digest: digestOf('elsewhere'), size: 1 }],
    });
    const { problems, verified } = await verify();
    expect(problems).to.deep.equal([]);
    expect(verified).to.include({ blobs: 5, repositories: 2 });
  });

  it('finds corrupt content, broken links, and what is missing', async () => {
    const image = await pushImage(registry.url, 'a', { tag: 'v1' });
    const other = await pushImage(registry.url, 'a', { tag: 'v2' });
    appendFileSync(join(blobFolder(image.layer), 'data'), 'x');
    rmSync(blobFolder(other.config), { recursive: true });
    truncateSync(link('a', '_layers', other.layer));
    truncateSync(registry.path('repositories/a/_manifests/tags/v2/current/link'));
    const { problems } = await verify();
    expect(problems).to.have.deep.members([
      { kind: 'corrupt', digest: image.layer, actual: digestOf('layer v1x'), size: 9 },
      { kind: 'missing', from: 'a', digest: other.config },
      {
        kind: 'link',
        path: `docker/registry/v2/repositories/a/_layers/sha256/${digestHex(other.layer)}/link`,
      },
      { kind: 'link', path: 'docker/registry/v2/repositories/a/_manifests/tags/v2/current/link' },
    ]);
  });

  it('quarantines corrupt content, so that a push mends it', async () => {
    const image = await pushImage(registry.url, 'a', { tag: 'v1' });
    writeFileSync(join(blobFolder(image.layer), 'data'), 'LAYER V1');
    const found = await verify(true);
    expect(found.problems.map(({ kind }) => kind)).to.deep.equal(['corrupt', 'missing']);
    expect((await registry.send(`GET /v2/a/blobs/${image.layer}`)).status).to.equal(404);
    expect(readdirSync(registry.path('_hawser/quarantine'))).to.deep.equal([digestHex(image.layer)]);
    await pushImage(registry.url, 'a', { tag: 'v1' });
    expect((await verify()).problems).to.deep.equal([]);
    expect((await registry.send(`GET /v2/a/blobs/${image.layer}`)).body.toString()).to.equal('layer v1');
  });
});

describe('registry-server: what a collector knows', () => {
  const one = digestOf('1');
  const two = digestOf('2', 'sha512');
  const named = (digest: Digest) => ({ digest });
  const documents: readonly (readonly [string, unknown, object | undefined])[] = [
    [
      'an image',
      { config: named(one), layers: [named(two)] },
      { all: [one, two], children: [], subject: undefined },
    ],
    [
      'an index',
      { manifests: [named(one)], subject: named(two) },
      { all: [one], children: [one], subject: two },
    ],
    ['an artifact', { blobs: [named(one)] }, { all: [one], children: [], subject: undefined }],
    ['schema 1', { fsLayers: [{ blobSum: one }] }, { all: [one], children: [], subject: undefined }],
    [
      'wrong fields',
      { config: 1, layers: [null, 'x', { digest: 'x' }], manifests: {} },
      { all: [], children: [], subject: undefined },
    ],
    ['a list', [], undefined],
    ['a word', 'x', undefined],
    ['nothing', null, undefined],
  ];
  for (const [what, document, expected] of documents) {
    it(`of ${what}`, () =>
      expect(referencesIn(Buffer.from(JSON.stringify(document)))).to.deep.equal(expected));
  }

  it('of what is no JSON: nothing', () => {
    fc.assert(
      fc.property(
        fc.uint8Array(),
        bytes => referencesIn(bytes) === undefined || JSON.parse(Buffer.from(bytes).toString()),
      ),
    );
  });

  it('a set of digests has what was added', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { maxLength: 3000 }), fc.nat(), (words, cut) => {
        const set = new DigestSet();
        const added = words.slice(0, cut % (words.length + 1));
        for (const word of [...added, ...added]) set.add(digestOf(word));
        expect(set.size).to.equal(added.length);
        for (const word of added) expect(set.has(digestOf(word))).to.equal(true);
        for (const word of words.slice(added.length)) expect(set.has(digestOf(word))).to.equal(false);
      }),
      { numRuns: 30 },
    );
  });
});
