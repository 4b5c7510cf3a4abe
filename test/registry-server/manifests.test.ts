import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { type Digest, digestHex, digestOf } from '../../src/image/digest.ts';
import { mediaTypes } from '../../src/image/media-types.ts';
import { codeOf, imageManifest, pushImage, TestRegistry } from './support/registry.ts';

interface TagList {
  readonly name: string;
  readonly tags: readonly string[];
}

interface ReferrersIndex {
  readonly schemaVersion: number;
  readonly mediaType: string;
  readonly manifests: readonly {
    digest: string;
    artifactType?: string;
    annotations?: Record<string, string>;
    size: number;
    mediaType: string;
  }[];
}

const descriptor = (digest: Digest, size = 1) => ({ mediaType: mediaTypes.ociManifest, digest, size });

describe('registry-server: manifests', () => {
  let registry: TestRegistry;
  beforeEach(async () => {
    registry = await TestRegistry.start();
  });
  afterEach(() => registry.dispose());

  const put = (reference: string, body: string, type?: string) =>
    registry.send(`PUT /v2/a/b/manifests/${reference}`, {
      body,
      headers: type === undefined ? {} : { 'Content-Type': type },
    });

  it('answers with the bytes, type and digest of the push, by tag and by digest', async () => {
    const image = await pushImage(registry.url, 'a/b', { tag: 'v1' });
    for (const reference of ['v1', image.manifest]) {
      const got = await registry.send(`GET /v2/a/b/manifests/${reference}`);
      expect(got.status).to.equal(200);
      expect(got.body.toString()).to.equal(image.bytes);
      expect(got.headers['content-type']).to.equal(mediaTypes.ociManifest);
      expect(got.headers['docker-content-digest']).to.equal(image.manifest);
      expect(got.headers.etag).to.equal(`"${image.manifest}"`);
      const head = await registry.send(`HEAD /v2/a/b/manifests/${reference}`);
      expect([head.status, head.headers['content-length'], head.body.length]).to.deep.equal([
        200,
        String(image.bytes.length),
        0,
      ]);
      const known = { headers: { 'If-None-Match': `"${image.manifest}"` } };
      expect((await registry.send(`GET /v2/a/b/manifests/${reference}`, known)).status).to.equal(304);
    }
  });

  const { dockerManifest, dockerManifestList, ociIndex, ociManifest, dockerSchema1 } = mediaTypes;
  const image = { schemaVersion: 2, config: descriptor(digestOf('')), layers: [] };
  const index = { schemaVersion: 2, manifests: [] };
  const bad = { ...image, layers: [{ ...descriptor(digestOf('')), size: -1 }] };
  const cases: readonly (readonly [string, object | string, string | undefined, number, string])[] = [
    ['an OCI manifest', { ...image, mediaType: ociManifest }, ociManifest, 201, ''],
    ['an OCI manifest that does not say so', image, ociManifest, 201, ''],
    ['a manifest without Content-Type', { ...image, mediaType: ociManifest }, undefined, 201, ''],
    ['a type with a parameter', image, `${ociManifest}; charset=utf-8`, 201, ''],
    ['an OCI index', { ...index, mediaType: ociIndex }, ociIndex, 201, ''],
    ['a Docker manifest', { ...image, mediaType: dockerManifest }, dockerManifest, 201, ''],
    ['a Docker list', { ...index, mediaType: dockerManifestList }, dockerManifestList, 201, ''],
    ['a sparse index', { ...index, manifests: [descriptor(digestOf('x'))] }, ociIndex, 201, ''],
    ['a Docker manifest that does not say so', image, dockerManifest, 400, 'MANIFEST_INVALID'],
    ['two media types', { ...image, mediaType: ociManifest }, dockerManifest, 400, 'MANIFEST_INVALID'],
    [
      'Docker schema 1',
      { schemaVersion: 1, mediaType: dockerSchema1 },
      dockerSchema1,
      400,
      'MANIFEST_INVALID',
    ],
    ['some other type', image, 'text/plain', 400, 'MANIFEST_INVALID'],
    ['no JSON', 'nothing', ociManifest, 400, 'MANIFEST_INVALID'],
    ['an empty body', '', ociManifest, 400, 'MANIFEST_INVALID'],
    ['a wrong field', bad, ociManifest, 400, 'MANIFEST_INVALID'],
  ];
  for (const [what, document, type, status, code] of cases) {
    it(`answers a push of ${what} with ${status} ${code}`, async () => {
      await registry.pushBlob('a/b', '');
      const body = typeof document === 'string' ? document : JSON.stringify(document);
      const answer = await put('v1', body, type);
      expect([answer.status, codeOf(answer) ?? '']).to.deep.equal([status, code]);
      const got = await registry.send('GET /v2/a/b/manifests/v1');
      expect(got.status).to.equal(status === 201 ? 200 : 404);
      if (status !== 201) return;
      const fallback = 'manifests' in (document as object) ? ociIndex : ociManifest;
      expect(got.headers['content-type']).to.equal(type?.split(';')[0] ?? fallback);
      expect(got.body.toString()).to.equal(body);
    });
  }

  it('takes a manifest whose blobs are not there, and warns', async () => {
    const { config, layer, manifest } = imageManifest('x');
    await registry.pushBlob('a/b', config);
    const sparse = await put('v1', JSON.stringify(manifest), ociManifest);
    expect([sparse.status, sparse.headers.warning]).to.deep.equal([
      201,
      `299 - "the manifest names 1 blobs that are not in a/b: ${digestOf(layer)}"`,
    ]);
    await registry.pushBlob('a/b', layer);
    const whole = await put('v1', JSON.stringify(manifest), ociManifest);
    expect([whole.status, whole.headers.warning]).to.deep.equal([201, undefined]);
  });

  it('refuses a manifest whose blobs are not there, and names them, where images must be whole', async () => {
    await registry.restart({ push: { sparseImages: false } });
    const { config, layer, manifest } = imageManifest('x');
    const refused = async () => {
      const answer = await put('v1', JSON.stringify(manifest), ociManifest);
      expect([answer.status, codeOf(answer)]).to.deep.equal([404, 'MANIFEST_BLOB_UNKNOWN']);
      return (answer.json as { errors: { detail: { digest: string }[] }[] }).errors[0]?.detail.map(
        d => d.digest,
      );
    };
    expect(await refused()).to.deep.equal([digestOf(config), digestOf(layer)]);
    await registry.pushBlob('a/b', config);
    await registry.pushBlob('elsewhere', layer);
    expect(await refused()).to.deep.equal([digestOf(layer)]);
    await registry.pushBlob('a/b', layer);
    expect((await put('v1', JSON.stringify(manifest), ociManifest)).status).to.equal(201);
  });

  it('takes layers that live elsewhere', async () => {
    const { config, manifest } = imageManifest('x');
    await registry.pushBlob('a/b', config);
    const layers = [
      { mediaType: mediaTypes.ociLayerNondistributableGzip, digest: digestOf('1'), size: 1 },
      { mediaType: mediaTypes.dockerForeignLayerGzip, digest: digestOf('2'), size: 1 },
      {
        mediaType: mediaTypes.ociLayerGzip,
        digest: digestOf('3'),
        size: 1,
        urls: ['http://elsewhere.example/3'],
      },
    ];
    expect((await put('v1', JSON.stringify({ ...manifest, layers }), ociManifest)).status).to.equal(201);
  });

  it('refuses a digest that is not that of the manifest', async () => {
    await registry.pushBlob('a/b', '');
    const body = JSON.stringify(image);
    for (const [reference, code] of [
      [digestOf('other'), 'DIGEST_INVALID'],
      [digestOf('other', 'sha512'), 'DIGEST_INVALID'],
      ['sha256:baddigeststring', 'DIGEST_INVALID'],
    ] as const) {
      const answer = await put(reference, body, ociManifest);
      expect([answer.status, codeOf(answer)]).to.deep.equal([400, code]);
    }
    expect((await registry.send(`GET /v2/a/b/manifests/${digestOf(body)}`)).status).to.equal(404);
  });

  it('tags by parameters, by sha256 and sha512', async () => {
    await registry.pushBlob('a/b', '');
    const body = JSON.stringify(image);
    for (const algorithm of ['sha256', 'sha512'] as const) {
      const digest = digestOf(body, algorithm);
      const tags = Array.from({ length: 12 }, (_, index) => `${algorithm}-t${index}`);
      const answer = await put(`${digest}?${tags.map(tag => `tag=${tag}`).join('&')}`, body, ociManifest);
      expect(answer.status).to.equal(201);
      expect(answer.headers['oci-tag']).to.equal(tags.join(', '));
      expect(answer.headers['docker-content-digest']).to.equal(digest);
      for (const reference of [digest, tags[11]]) {
        const got = await registry.send(`GET /v2/a/b/manifests/${reference}`);
        expect([got.status, got.headers['docker-content-digest']]).to.deep.equal([200, digest]);
      }
    }
    const wrongTag = await put(`${digestOf(body)}?tag=ok&tag=-no`, body, ociManifest);
    expect([wrongTag.status, codeOf(wrongTag)]).to.deep.equal([400, 'TAG_INVALID']);
    expect((await registry.send('GET /v2/a/b/manifests/ok')).status).to.equal(404);
  });

  it('deletes a tag alone', async () => {
    const { manifest } = await pushImage(registry.url, 'a/b', { tag: 'v1' });
    expect((await registry.send('DELETE /v2/a/b/manifests/v1')).status).to.equal(202);
    const again = await registry.send('DELETE /v2/a/b/manifests/v1');
    expect([again.status, codeOf(again)]).to.deep.equal([404, 'MANIFEST_UNKNOWN']);
    expect((await registry.send('GET /v2/a/b/manifests/v1')).status).to.equal(404);
    expect((await registry.send(`GET /v2/a/b/manifests/${manifest}`)).status).to.equal(200);
    expect((await registry.send('GET /v2/a/b/tags/list')).json).to.deep.equal({ name: 'a/b', tags: [] });
  });

  for (const algorithm of ['sha256', 'sha512'] as const) {
    it(`deletes a manifest with all its tags, ${algorithm}`, async () => {
      await pushImage(registry.url, 'a/b', { tag: 'other' });
      const pushed = await pushImage(registry.url, 'a/b', { tag: 'v1' });
      const digest = digestOf(pushed.bytes, algorithm);
      expect((await put(`${digest}?tag=v2`, pushed.bytes, ociManifest)).status).to.equal(201);
      expect((await registry.send(`DELETE /v2/a/b/manifests/${digest}`)).status).to.equal(202);
      for (const reference of ['v1', 'v2', digest, pushed.manifest]) {
        expect((await registry.send(`GET /v2/a/b/manifests/${reference}`)).status, reference).to.equal(404);
      }
      expect((await registry.send('GET /v2/a/b/tags/list')).json).to.deep.equal({
        name: 'a/b',
        tags: ['other'],
      });
      expect((await registry.send(`DELETE /v2/a/b/manifests/${digest}`)).status).to.equal(404);
    });
  }

  it('moves a tag', async () => {
    const first = await pushImage(registry.url, 'a/b', { tag: 'v1', salt: '1' });
    const second = await pushImage(registry.url, 'a/b', { tag: 'v1', salt: '2' });
    const got = await registry.send('GET /v2/a/b/manifests/v1');
    expect(got.headers['docker-content-digest']).to.equal(second.manifest);
    expect((await registry.send(`GET /v2/a/b/manifests/${first.manifest}`)).status).to.equal(200);
    const link = readFileSync(registry.path('repositories/a/b/_manifests/tags/v1/current/link'), 'utf8');
    expect(link).to.equal(second.manifest);
  });
});

describe('registry-server: lists', () => {
  let registry: TestRegistry;
  before(async () => {
    registry = await TestRegistry.start();
    await pushImage(registry.url, 'tags', { tag: 'b' });
    const { bytes } = await pushImage(registry.url, 'tags', { tag: 'a' });
    const query = ['c', 'A', '_', '1.0', '1.0-rc', '10'].map(tag => `tag=${tag}`).join('&');
    const headers = { 'Content-Type': mediaTypes.ociManifest };
    await registry.send(`PUT /v2/tags/manifests/${digestOf(bytes)}?${query}`, { body: bytes, headers });
    for (const name of ['a', 'a-b', 'a/b', 'a/b/c', 'b/deep/er', 'z']) {
      await registry.pushBlob(name, '');
      await registry.send(`PUT /v2/${name}/manifests/x`, { body: '{"schemaVersion":2,"manifests":[]}' });
    }
    await registry.pushBlob('no-manifests', '');
  });
  after(() => registry.dispose());

  const sorted = ['1.0', '1.0-rc', '10', 'A', '_', 'a', 'b', 'c'];
  const pages: readonly (readonly [string, readonly string[], string | undefined])[] = [
    ['', sorted, undefined],
    ['?n=3', sorted.slice(0, 3), '</v2/tags/tags/list?last=10&n=3>; rel="next"'],
    ['?n=3&last=10', sorted.slice(3, 6), '</v2/tags/tags/list?last=a&n=3>; rel="next"'],
    ['?n=3&last=a', ['b', 'c'], undefined],
    ['?n=8', sorted, undefined],
    ['?n=9999999999', sorted, undefined],
    ['?n=0', [], undefined],
    ['?last=b', ['c'], undefined],
    ['?last=aa', ['b', 'c'], undefined],
    ['?last=zzz', [], undefined],
  ];
  for (const [query, tags, link] of pages) {
    it(`lists tags${query}`, async () => {
      const answer = await registry.send(`GET /v2/tags/tags/list${query}`);
      expect([answer.status, answer.json as TagList]).to.deep.equal([200, { name: 'tags', tags }]);
      expect(answer.headers.link).to.equal(link);
    });
  }

  for (const query of ['?n=-1', '?n=x', '?n=1.5', '?n=1e3']) {
    it(`refuses ${query}`, async () => {
      for (const path of ['tags/tags/list', '_catalog']) {
        const answer = await registry.send(`GET /v2/${path}${query}`);
        expect([answer.status, codeOf(answer)]).to.deep.equal([400, 'PAGINATION_NUMBER_INVALID']);
      }
    });
  }

  it('knows no tags of an unknown repository', async () => {
    for (const name of ['nothing', 'no-manifests']) {
      const answer = await registry.send(`GET /v2/${name}/tags/list`);
      expect([answer.status, codeOf(answer)]).to.deep.equal([404, 'NAME_UNKNOWN']);
    }
  });

  const names = ['a', 'a/b', 'a/b/c', 'a-b', 'b/deep/er', 'tags', 'z'];
  const catalogs: readonly (readonly [string, readonly string[], string | undefined])[] = [
    ['', names, undefined],
    ['?n=2', ['a', 'a/b'], '</v2/_catalog?last=a%2Fb&n=2>; rel="next"'],
    ['?n=2&last=a/b', ['a/b/c', 'a-b'], '</v2/_catalog?last=a-b&n=2>; rel="next"'],
    ['?last=b', ['b/deep/er', 'tags', 'z'], undefined],
    ['?n=7', names, undefined],
    ['?n=0', [], undefined],
  ];
  for (const [query, repositories, link] of catalogs) {
    it(`lists repositories${query}`, async () => {
      const answer = await registry.send(`GET /v2/_catalog${query}`);
      expect([answer.status, answer.json]).to.deep.equal([200, { repositories }]);
      expect(answer.headers.link).to.equal(link);
    });
  }
});

describe('registry-server: referrers', () => {
  let registry: TestRegistry;
  beforeEach(async () => {
    registry = await TestRegistry.start();
  });
  afterEach(() => registry.dispose());

  const list = async (subject: Digest, query = '') => {
    const answer = await registry.send(`GET /v2/a/referrers/${subject}${query}`);
    expect(answer.status).to.equal(200);
    expect(answer.headers['content-type']).to.equal(mediaTypes.ociIndex);
    return { headers: answer.headers, index: answer.json as ReferrersIndex };
  };
  const push = (salt: string, extra: object) => pushImage(registry.url, 'a', { tag: salt, extra });

  it('is an empty index for what nobody knows', async () => {
    const { index } = await list(digestOf('unknown'));
    expect(index).to.deep.equal({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] });
  });

  it('lists what names the subject, and filters by type', async () => {
    const subject = digestOf('a subject that is not there');
    const sbom = await push('sbom', {
      artifactType: 'application/sbom',
      subject: descriptor(subject),
      annotations: { key: 'value' },
    });
    const image = await push('image', { subject: descriptor(subject) });
    await push('unrelated', { subject: descriptor(digestOf('another')) });
    const body = JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociIndex,
      artifactType: 'application/bundle',
      manifests: [],
      subject: descriptor(subject),
    });
    const put = await registry.send('PUT /v2/a/manifests/index', {
      body,
      headers: { 'Content-Type': mediaTypes.ociIndex },
    });
    expect(put.headers['oci-subject']).to.equal(subject);
    const { index } = await list(subject);
    const digests = [sbom.manifest, image.manifest, digestOf(body)].sort();
    expect(index.manifests.map(({ digest }) => digest)).to.deep.equal(digests);
    const byDigest = new Map(index.manifests.map(each => [each.digest, each]));
    expect(byDigest.get(sbom.manifest)).to.deep.equal({
      mediaType: mediaTypes.ociManifest,
      digest: sbom.manifest,
      size: sbom.bytes.length,
      artifactType: 'application/sbom',
      annotations: { key: 'value' },
    });
    expect(byDigest.get(image.manifest)?.artifactType).to.equal(mediaTypes.ociConfig);
    expect(byDigest.get(digestOf(body))?.artifactType).to.equal('application/bundle');
    const filtered = await list(subject, '?artifactType=application/sbom');
    expect(filtered.headers['oci-filters-applied']).to.equal('artifactType');
    expect(filtered.index.manifests.map(({ digest }) => digest)).to.deep.equal([sbom.manifest]);
    expect((await registry.send(`DELETE /v2/a/manifests/${sbom.manifest}`)).status).to.equal(202);
    expect((await list(subject)).index.manifests.length).to.equal(2);
  });

  it('lists what clients put under the tag schema, as far as it is there', async () => {
    const subject = digestOf('subject');
    const old = await push('old', {});
    const manifests = [
      { ...descriptor(old.manifest), artifactType: 'application/old' },
      { ...descriptor(digestOf('gone')), artifactType: 'application/old' },
    ];
    const body = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests });
    await registry.send(`PUT /v2/a/manifests/sha256-${digestHex(subject)}`, { body });
    expect((await list(subject)).index.manifests.map(({ digest }) => digest)).to.deep.equal([old.manifest]);
  });

  it('pages what does not fit into 4 MiB', async () => {
    const subject = digestOf('subject');
    const annotations = { large: 'x'.repeat(1_000_000) };
    for (const salt of ['1', '2', '3', '4', '5'])
      await push(salt, { subject: descriptor(subject), annotations });
    const digests: string[] = [];
    let pages = 0;
    for (let line: string | undefined = `GET /v2/a/referrers/${subject}`; line !== undefined; pages++) {
      const answer = await registry.send(line);
      expect(answer.body.length).to.be.lessThan(4 << 20);
      digests.push(...(answer.json as ReferrersIndex).manifests.map(({ digest }) => digest));
      const link: string | undefined = /^<(.*)>; rel="next"$/.exec(String(answer.headers.link ?? ''))?.[1];
      line = link === undefined ? undefined : `GET ${link}`;
    }
    expect([pages, digests.length]).to.deep.equal([2, 5]);
    expect(digests).to.deep.equal([...new Set(digests)].sort());
  });

  it('refuses what is no digest', async () => {
    const answer = await registry.send('GET /v2/a/referrers/latest');
    expect([answer.status, codeOf(answer)]).to.deep.equal([400, 'DIGEST_INVALID']);
  });
});
