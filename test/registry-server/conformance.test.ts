import { expect } from 'chai';
import { type Digest, digestOf } from '../../src/image/digest.ts';
import { mediaTypes } from '../../src/image/media-types.ts';
import { ContentSet } from './support/content-set.ts';
import { TestRegistry } from './support/registry.ts';

// The data rows of the OCI conformance suite (`npm run test:conformance`), in tables: each is pushed, listed, looked at,
// pulled and deleted. The rows on single blobs are in blobs.test.ts.

const artifact = { configType: mediaTypes.ociEmpty, config: {}, layerType: 'application/vnd.example.data' };
const annotations = { 'org.example.key': 'value' };
const missing = (text: string) => ({
  mediaType: mediaTypes.ociManifest,
  digest: digestOf(text),
  size: text.length,
});

const rows: Readonly<Record<string, (set: ContentSet) => void>> = {
  image: set => set.tag('image', set.image()),
  'uncompressed image': set => set.tag('plain', set.image({ layerType: mediaTypes.ociLayer })),
  'image with a large manifest': set => {
    const many = Object.fromEntries(
      Array.from({ length: 390 }, (_, key) => [`org.example.${key}`, 'x'.repeat(10_000)]),
    );
    set.tag('large', set.image({ fields: { annotations: many } }));
  },
  index: set => set.tag('index', set.index([set.image(), set.image()])),
  'nested index': set => {
    const inner = [1, 2].map(() => set.index([set.image(), set.image()]));
    set.tag('nested', set.index(inner));
  },
  'empty index': set => set.tag('empty', set.index([])),
  artifact: set =>
    set.tag('artifact', set.image({ ...artifact, layers: 1, fields: { artifactType: 'application/a' } })),
  'artifact index': set => {
    const fields = { artifactType: 'application/a' };
    set.tag('artifacts', set.index([set.image({ ...artifact, fields }), set.image({ ...artifact, fields })]));
  },
  'artifact without layers': set =>
    set.tag('bare', set.image({ ...artifact, layers: 0, fields: { artifactType: 'application/a' } })),
  'artifacts with a subject': set => {
    const subject = set.image();
    set.tag('subject', subject);
    for (const artifactType of ['application/a', 'application/b', undefined]) {
      set.image({ ...artifact, fields: { subject, annotations, ...(artifactType && { artifactType }) } });
    }
  },
  'index with a subject': set => {
    const subject = set.index([set.image()]);
    set.tag('subject', subject);
    set.tag('bundle', set.index([set.image()], { subject, annotations, artifactType: 'application/bundle' }));
    set.index([], { subject, annotations: { other: 'x' } });
  },
  'missing subject': set => {
    set.tag('orphan', set.image({ fields: { subject: missing('nobody pushed this'), annotations } }));
  },
  'data field': set => set.tag('data', set.image({ data: true })),
  'non-distributable layers': set =>
    set.tag('foreign', set.image({ layerType: mediaTypes.ociLayerNondistributableGzip })),
  'custom fields': set => {
    const fields = { 'org.example.custom': { deep: [1, 'x', null] } };
    set.tag('custom', set.index([set.image({ fields })], fields));
  },
  'no layers': set => set.tag('none', set.image({ layers: 0 })),
  'sparse manifests': set => {
    set.tag('sparse-image', set.image({ sparse: true }));
    set.tag('sparse-index', set.index([set.image(), missing('a platform that is elsewhere')]));
  },
};

/** An algorithm, and whether tags come as parameters of the push by digest instead of one push each. */
const modes = [
  ['sha256', false],
  ['sha256', true],
  ['sha512', true],
] as const;

describe('registry-server: conformance', () => {
  let registry: TestRegistry;
  before(async () => {
    registry = await TestRegistry.start();
  });
  after(() => registry.dispose());

  for (const [algorithm, byParameter] of modes) {
    for (const [row, fill] of Object.entries(rows)) {
      it(`${row}, ${algorithm}${byParameter ? ', tagged by parameters' : ''}`, async () => {
        const set = new ContentSet(algorithm);
        fill(set);
        const name = `${algorithm}/${row.replaceAll(' ', '-')}`;
        await pushSet(registry, name, { set, byParameter });
        await expectSet(registry, name, set);
        await expectReferrers(registry, name, set);
        await deleteSet(registry, name, set);
      });
    }
  }
});

interface Push {
  readonly set: ContentSet;
  readonly byParameter: boolean;
}

async function pushSet(registry: TestRegistry, name: string, { set, byParameter }: Push): Promise<void> {
  for (const [digest, bytes] of set.blobs) await registry.pushBlob(name, bytes, digest);
  for (const [digest, { body, mediaType }] of set.manifests) {
    const tags = [...set.tags].filter(([, each]) => each === digest).map(([tag]) => tag);
    const query = byParameter && tags.length > 0 ? `?${tags.map(tag => `tag=${tag}`).join('&')}` : '';
    const references = byParameter || set.algorithm !== 'sha256' ? [] : tags;
    for (const reference of [`${digest}${query}`, ...references]) {
      const line = `PUT /v2/${name}/manifests/${reference}`;
      const put = await registry.send(line, { body, headers: { 'Content-Type': mediaType } });
      expect([put.status, put.headers['docker-content-digest']], line).to.deep.equal([201, digest]);
      expect(put.headers['oci-tag'] ?? '').to.equal(query === '' ? '' : tags.join(', '));
      const { subject } = JSON.parse(body) as { subject?: { digest: string } };
      expect(put.headers['oci-subject']).to.equal(subject?.digest);
      expect((await registry.send(`GET ${put.headers.location}`)).body.toString()).to.equal(body);
    }
  }
}

async function expectSet(registry: TestRegistry, name: string, set: ContentSet): Promise<void> {
  const list = await registry.send(`GET /v2/${name}/tags/list`);
  expect(list.json).to.deep.equal({ name, tags: [...set.tags.keys()].sort() });
  const parts: [path: string, digest: Digest, body: Buffer, mediaType: string][] = [
    ...[...set.blobs].map(([digest, bytes]) => [
      `blobs/${digest}`,
      digest,
      bytes,
      'application/octet-stream',
    ]),
    ...[...set.manifests].map(([digest, { body, mediaType }]) => [
      `manifests/${digest}`,
      digest,
      Buffer.from(body),
      mediaType,
    ]),
    ...[...set.tags].map(([tag, digest]) => {
      const { body = '', mediaType } = set.manifests.get(digest) ?? {};
      return [`manifests/${tag}`, digest, Buffer.from(body), mediaType];
    }),
  ] as [string, Digest, Buffer, string][];
  for (const [path, digest, body, mediaType] of parts) {
    for (const method of ['HEAD', 'GET']) {
      const got = await registry.send(`${method} /v2/${name}/${path}`);
      expect(got.status, path).to.equal(200);
      expect(got.headers, path).to.include({
        'content-type': mediaType,
        'content-length': String(body.length),
        'docker-content-digest': digest,
      });
      expect(got.body.equals(method === 'GET' ? body : Buffer.alloc(0)), path).to.equal(true);
    }
  }
}

async function expectReferrers(registry: TestRegistry, name: string, set: ContentSet): Promise<void> {
  for (const [subject, referrers] of set.referrers) {
    const types = new Set(referrers.map(({ artifactType }) => artifactType));
    for (const type of [undefined, ...types]) {
      const query = type === undefined ? '' : `?artifactType=${encodeURIComponent(type)}`;
      const got = await registry.send(`GET /v2/${name}/referrers/${subject}${query}`);
      expect(got.status).to.equal(200);
      expect(got.headers['content-type']).to.equal(mediaTypes.ociIndex);
      expect(got.headers['oci-filters-applied']).to.equal(type === undefined ? undefined : 'artifactType');
      const wanted = referrers.filter(each => type === undefined || each.artifactType === type);
      expect((got.json as { manifests: object[] }).manifests).to.have.deep.members(wanted);
    }
  }
}

/** Tags, manifests, blobs; each is gone when the answer is there. */
async function deleteSet(registry: TestRegistry, name: string, set: ContentSet): Promise<void> {
  const paths = [
    ...[...set.tags.keys()].map(tag => `manifests/${tag}`),
    ...[...set.manifests.keys()].toReversed().map(digest => `manifests/${digest}`),
    ...[...set.blobs.keys()].map(digest => `blobs/${digest}`),
  ];
  for (const path of paths) {
    expect((await registry.send(`DELETE /v2/${name}/${path}`)).status, path).to.equal(202);
    for (const method of ['HEAD', 'GET', 'DELETE']) {
      expect((await registry.send(`${method} /v2/${name}/${path}`)).status, path).to.equal(404);
    }
  }
  expect((await registry.send(`GET /v2/${name}/tags/list`)).json).to.deep.equal({ name, tags: [] });
  for (const subject of set.referrers.keys()) {
    const got = await registry.send(`GET /v2/${name}/referrers/${subject}`);
    expect((got.json as { manifests: object[] }).manifests).to.deep.equal([]);
  }
}
