import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { type Digest, digestHex, digestOf } from '../../../src/image/digest.ts';
import { mediaTypes } from '../../../src/image/media-types.ts';
import { imageManifest, type PushedImage, pushImage, send, TestRegistry } from '../support/registry.ts';

/** Waits for what a collector does, for as long as the test may take. */
async function until(probe: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await probe())) await delay(5);
}

describe('registry-server: garbage, collected while it serves', () => {
  let registry: TestRegistry;
  const quick = { delay: 20, interval: 3_600_000, grace: 3_600_000 };
  beforeEach(async () => {
    registry = await TestRegistry.start({ garbage: quick });
  });
  afterEach(() => registry.dispose());

  const isStored = (digest: Digest) => {
    const hex = digestHex(digest);
    return existsSync(registry.path(`blobs/sha256/${hex.slice(0, 2)}/${hex}/data`));
  };
  const isLinked = (name: string, digest: Digest) =>
    existsSync(registry.path(`repositories/${name}/_layers/sha256/${digestHex(digest)}/link`));
  const remove = async (path: string) =>
    expect((await registry.send(`DELETE /v2/${path}`)).status).to.equal(202);
  const status = async (line: string) => (await registry.send(line)).status;
  const partsOf = ({ config, layer, manifest }: PushedImage) => [config, layer, manifest];
  const pushIndex = (name: string, tag: string, children: readonly PushedImage[]) =>
    registry.pushManifest(name, tag, {
      schemaVersion: 2,
      mediaType: mediaTypes.ociIndex,
      manifests: children.map(({ manifest, bytes }) => ({
        mediaType: mediaTypes.ociManifest,
        digest: manifest,
        size: bytes.length,
      })),
    });

  it('gives the space back that a deleted manifest took, and keeps what others need', async () => {
    const shared = 'a layer of both';
    const layers = [{ mediaType: mediaTypes.ociLayer, digest: digestOf(shared), size: shared.length }];
    await registry.pushBlob('a', shared);
    const [first, second] = [
      await pushImage(registry.url, 'a', { tag: '1' }),
      await pushImage(registry.url, 'a', { tag: '2' }),
    ];
    const both = await pushImage(registry.url, 'a', {
      tag: 'both',
      salt: '1',
      extra: { layers: [...imageManifest('1').manifest.layers, ...layers] },
    });
    await remove(`a/manifests/${both.manifest}`);
    await until(() => !isStored(both.manifest) && !isStored(digestOf(shared)));
    for (const digest of [...partsOf(first), ...partsOf(second)]) expect(isStored(digest)).to.equal(true);
    await remove(`a/manifests/${first.manifest}`);
    await until(() => partsOf(first).every(digest => !isStored(digest)));
    for (const digest of partsOf(second)) expect(isStored(digest)).to.equal(true);
    expect(await status(`HEAD /v2/a/blobs/${first.layer}`)).to.equal(404);
    expect(await status('GET /v2/a/manifests/2')).to.equal(200);
  });

  it('takes a push of the same at once, without a restart', async () => {
    for (let round = 0; round < 3; round++) {
      const image = await pushImage(registry.url, 'a', { tag: 'v1' });
      await remove(`a/manifests/${image.manifest}`);
      await until(() => partsOf(image).every(digest => !isStored(digest)));
      for (const digest of [image.config, image.layer]) {
        expect(await status(`HEAD /v2/a/blobs/${digest}`)).to.equal(404);
      }
    }
    const image = await pushImage(registry.url, 'a', { tag: 'v1' });
    expect(await status(`GET /v2/a/blobs/${image.layer}`)).to.equal(200);
    expect(await status('GET /v2/a/manifests/v1')).to.equal(200);
  });

  it('keeps what another repository has', async () => {
    const image = await pushImage(registry.url, 'a', { tag: 'v1' });
    await pushImage(registry.url, 'b/c', { tag: 'v1' });
    await remove(`a/manifests/${image.manifest}`);
    await until(() => !isLinked('a', image.layer));
    await delay(100);
    for (const digest of partsOf(image)) expect(isStored(digest)).to.equal(true);
    expect(await status('GET /v2/b/c/manifests/v1')).to.equal(200);
    await remove(`b/c/manifests/${image.manifest}`);
    await until(() => partsOf(image).every(digest => !isStored(digest)));
  });

  it('removes a blob that is deleted by itself', async () => {
    const digest = await registry.pushBlob('a', 'a blob');
    await remove(`a/blobs/${digest}`);
    await until(() => !isStored(digest));
  });

  it('removes what was pushed by sha512, with its names', async () => {
    const image = await pushImage(registry.url, 'a', { tag: 'v1' });
    const content = 'pushed by sha512';
    const digest = digestOf(content, 'sha512');
    await registry.pushBlob('a', content, digest);
    const layers = [{ mediaType: mediaTypes.ociLayer, digest, size: content.length }];
    const manifest = await registry.pushManifest('a', 'v2', { ...imageManifest('v1').manifest, layers });
    await remove(`a/manifests/${image.manifest}`);
    await until(() => !isStored(image.layer));
    expect(await status(`GET /v2/a/blobs/${digest}`)).to.equal(200);
    await remove(`a/manifests/${manifest}`);
    await until(() => !isStored(digestOf(content)));
    expect(existsSync(registry.path(`repositories/a/_layers/sha512/${digestHex(digest)}`))).to.equal(false);
  });

  it('keeps manifests without a tag, children and referrers, unless it is told otherwise', async () => {
    const first = await pushImage(registry.url, 'a', { tag: 'v1', salt: '1' });
    const children = [
      await pushImage(registry.url, 'a', { tag: 'x', salt: '3' }),
      await pushImage(registry.url, 'a', { tag: 'x', salt: '4' }),
    ];
    const index = await pushIndex('a', 'index', children);
    await pushImage(registry.url, 'a', { tag: 'v1', salt: '2' });
    await remove(`a/manifests/${index}`);
    await until(() => !isStored(index));
    await delay(100);
    for (const image of [first, ...children]) {
      expect(await status(`GET /v2/a/manifests/${image.manifest}`)).to.equal(200);
      expect(isStored(image.layer)).to.equal(true);
    }
  });

  describe('with untagged', () => {
    beforeEach(() => registry.restart({ garbage: { ...quick, untagged: true } }));

    it('removes a manifest when its last tag goes', async () => {
      const first = await pushImage(registry.url, 'a', { tag: 'v1', salt: '1' });
      await registry.send(`PUT /v2/a/manifests/${first.manifest}?tag=v2`, { body: first.bytes });
      const second = await pushImage(registry.url, 'a', { tag: 'v1', salt: '2' });
      await delay(100);
      expect(isStored(first.manifest)).to.equal(true);
      await remove('a/manifests/v2');
      await until(() => partsOf(first).every(digest => !isStored(digest)));
      expect(await status(`GET /v2/a/manifests/${first.manifest}`)).to.equal(404);
      await remove('a/manifests/v1');
      await until(() => partsOf(second).every(digest => !isStored(digest)));
    });

    it('removes an index with those of its children that nothing else needs', async () => {
      const [one, two, three] = [
        await pushImage(registry.url, 'a', { tag: 'x', salt: '1' }),
        await pushImage(registry.url, 'a', { tag: 'y', salt: '2' }),
        await pushImage(registry.url, 'a', { tag: 'z', salt: '3' }),
      ];
      const index = await pushIndex('a', 'index', [one, two]);
      const outer = await registry.pushManifest('a', 'outer', {
        schemaVersion: 2,
        mediaType: mediaTypes.ociIndex,
        manifests: [
          { mediaType: mediaTypes.ociIndex, digest: index, size: 1 },
          { mediaType: mediaTypes.ociManifest, digest: three.manifest, size: 1 },
        ],
      });
      const other = await pushIndex('a', 'other', [two]);
      for (const tag of ['x', 'y', 'z', 'index']) await remove(`a/manifests/${tag}`);
      await delay(100);
      for (const image of [one, two, three]) expect(isStored(image.layer)).to.equal(true);
      await remove('a/manifests/outer');
      await until(() =>
        [outer, index, ...partsOf(one), ...partsOf(three)].every(digest => !isStored(digest)),
      );
      for (const digest of [other, ...partsOf(two)]) expect(isStored(digest)).to.equal(true);
      expect(await status(`GET /v2/a/manifests/${two.manifest}`)).to.equal(200);
    });

    it('keeps signatures of what stays, and removes those of what goes', async () => {
      const image = await pushImage(registry.url, 'a', { tag: 'v1' });
      const subject = { mediaType: mediaTypes.ociManifest, digest: image.manifest, size: image.bytes.length };
      const refer = async (salt: string, extra: object) => {
        const { config, layer, manifest } = imageManifest(salt, extra);
        await registry.pushBlob('a', config);
        await registry.pushBlob('a', layer);
        const body = JSON.stringify(manifest);
        const digest = digestOf(body);
        await registry.send(`PUT /v2/a/manifests/${digest}`, {
          body,
          headers: { 'Content-Type': manifest.mediaType },
        });
        return { digest, layer: digestOf(layer), bytes: body };
      };
      const signature = await refer('signature', { subject });
      const ofSignature = await refer('of signature', {
        subject: {
          mediaType: mediaTypes.ociManifest,
          digest: signature.digest,
          size: signature.bytes.length,
        },
      });
      const second = await pushImage(registry.url, 'a', { tag: 'v2' });
      await remove('a/manifests/v2');
      await until(() => !isStored(second.layer));
      for (const { digest, layer } of [signature, ofSignature]) {
        expect([isStored(digest), isStored(layer)]).to.deep.equal([true, true]);
      }
      await remove('a/manifests/v1');
      const all = [
        image.manifest,
        image.layer,
        signature.digest,
        signature.layer,
        ofSignature.digest,
        ofSignature.layer,
      ];
      await until(() => all.every(digest => !isStored(digest)));
    });

    it('keeps the blobs of a build cache, which is an index of blobs', async () => {
      const [layer, config] = [
        await registry.pushBlob('a', 'cached layer'),
        await registry.pushBlob('a', 'cache config'),
      ];
      const cache = await registry.pushManifest('a', 'cache', {
        schemaVersion: 2,
        mediaType: mediaTypes.ociIndex,
        manifests: [
          { mediaType: mediaTypes.ociLayerGzip, digest: layer, size: 12 },
          { mediaType: 'application/vnd.buildkit.cacheconfig.v0', digest: config, size: 12 },
        ],
      });
      const image = await pushImage(registry.url, 'a', { tag: 'v1' });
      await remove('a/manifests/v1');
      await until(() => !isStored(image.layer));
      expect([isStored(layer), isStored(config)]).to.deep.equal([true, true]);
      await remove('a/manifests/cache');
      await until(() => ![layer, config, cache].some(isStored));
    });
  });

  it('looks at the whole volume now and then, and removes what nobody claimed', async () => {
    const lonely = await registry.pushBlob('a', 'without a manifest');
    const image = await pushImage(registry.url, 'a', { tag: 'v1' });
    await registry.restart({ garbage: { ...quick, interval: 20, grace: 50 } });
    await until(() => !isStored(lonely));
    for (const digest of partsOf(image)) expect(isStored(digest)).to.equal(true);
    expect(await status(`HEAD /v2/a/blobs/${lonely}`)).to.equal(404);
  });

  it('is done by each of two servers for what was deleted through it', async () => {
    const other = await TestRegistry.start({
      storage: { kind: 'filesystem', root: registry.root },
      garbage: quick,
    });
    try {
      for (const url of [registry.url, other.url]) {
        const image = await pushImage(registry.url, 'a', { tag: 'v1' });
        await send(url, `DELETE /v2/a/manifests/${image.manifest}`);
        await until(() => partsOf(image).every(digest => !isStored(digest)));
      }
    } finally {
      await other.dispose();
    }
  });
});
