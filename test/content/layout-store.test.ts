import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { collectGarbage } from '../../src/content/gc.ts';
import { openLayoutStore } from '../../src/content/layout-store.ts';
import { readBlob } from '../../src/content/read-blob.ts';
import { digestOf } from '../../src/image/digest.ts';
import { bytesOf, chunked, codeOf, describeConformance, listDigests } from './conformance.ts';

function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), 'hawser-content-'));
}

describeConformance('OCI image layout', async () => {
  const folder = makeFolder();
  const store = await openLayoutStore(join(folder, 'images'));
  return { store, close: async () => rmSync(folder, { recursive: true }) };
});

function childOf(script: string, ...args: string[]) {
  const path = fileURLToPath(new URL(`./processes/${script}`, import.meta.url));
  return spawn(process.execPath, ['--import', 'tsx', path, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

describe('content store: OCI image layout on disk', () => {
  let folder: string;
  let root: string;
  beforeEach(() => {
    folder = makeFolder();
    root = join(folder, 'images');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('holds nothing but what the image layout allows', async () => {
    const store = await openLayoutStore(root);
    const { digest, size } = await store.ingest([bytesOf('x')]);
    await store.references.set('docker.io/library/x:1', { mediaType: 'application/x', digest, size });
    expect(readdirSync(root).sort()).to.deep.equal(['blobs', 'index.json', 'oci-layout']);
    expect(JSON.parse(readFileSync(join(root, 'oci-layout'), 'utf8'))).to.deep.equal({
      imageLayoutVersion: '1.0.0',
    });
    expect(JSON.parse(readFileSync(join(root, 'index.json'), 'utf8'))).to.deep.equal({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [
        {
          mediaType: 'application/x',
          digest,
          size,
          annotations: { 'org.opencontainers.image.ref.name': 'docker.io/library/x:1' },
        },
      ],
    });
    expect(readdirSync(join(root, 'blobs', 'sha256'))).to.deep.equal([digest.slice(7)]);
  });

  it('leaves the entries of other tools alone', async () => {
    const store = await openLayoutStore(root);
    const { digest, size } = await store.ingest([bytesOf('x')]);
    const foreign = { mediaType: 'application/y', digest, size, annotations: { other: 'tool' } };
    writeFileSync(join(root, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [foreign] }));
    await store.references.set('docker.io/library/x:1', { mediaType: 'application/x', digest, size });
    await store.references.remove('docker.io/library/x:1');
    expect(JSON.parse(readFileSync(join(root, 'index.json'), 'utf8')).manifests).to.deep.equal([foreign]);
  });

  const broken: [string, string, string][] = [
    ['index.json', '{"manifests":', 'no JSON'],
    ['index.json', '{"schemaVersion":2}', 'no list "manifests"'],
    [
      'index.json',
      '{"manifests":[{"mediaType":"a","digest":"sha256:12","size":1}]}',
      'manifests[0] is no descriptor',
    ],
    ['oci-layout', '{"imageLayoutVersion":"2.0.0"}', 'imageLayoutVersion is not 1.x'],
  ];
  for (const [file, text, message] of broken) {
    it(`names the broken file: ${file} ${text}`, async () => {
      await openLayoutStore(root);
      writeFileSync(join(root, file), text);
      const work = async () => (await openLayoutStore(root)).references.list();
      expect(await codeOf(work)).to.equal('STORE_CORRUPT');
      await work().catch((error: Error) =>
        expect(error.message).to.contain(join(root, file)).and.contain(message),
      );
    });
  }

  it('adopts a finished file, and refuses one of another size', async () => {
    const store = await openLayoutStore(root);
    const path = await store.temporaryPath();
    writeFileSync(path, 'layer');
    await store.adopt(path, { digest: digestOf('layer'), size: 5 });
    expect(existsSync(path)).to.equal(false);
    expect(readFileSync(store.pathOf(digestOf('layer')), 'utf8')).to.equal('layer');
    const other = await store.temporaryPath();
    writeFileSync(other, 'layer');
    expect(await codeOf(() => store.adopt(other, { digest: digestOf('x'), size: 6 }))).to.equal(
      'SIZE_INVALID',
    );
    expect(existsSync(other)).to.equal(false);
  });

  it('notices a damaged blob when it is read as a whole', async () => {
    const store = await openLayoutStore(root);
    const { digest, size } = await store.ingest([bytesOf('sound')]);
    writeFileSync(store.pathOf(digest), 'wound');
    expect(await codeOf(() => readBlob(store, { digest, size }))).to.equal('STORE_CORRUPT');
    writeFileSync(store.pathOf(digest), 'too long');
    expect(await codeOf(() => readBlob(store, digest))).to.equal('STORE_CORRUPT');
    expect(await codeOf(() => readBlob(store, digest, { maxSize: 4 }))).to.equal('SIZE_INVALID');
  });

  it('survives kill -9 in the middle of an ingest', async () => {
    const child = childOf('ingest-forever.ts', root);
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const store = await openLayoutStore(root);
    const finished = digestOf('finished before the kill');
    expect(await listDigests(store)).to.deep.equal([finished]);
    expect(Buffer.from(await readBlob(store, finished)).toString()).to.equal('finished before the kill');
    expect(readdirSync(join(folder, 'images-state', 'ingest')).length).to.equal(1);
    expect(await store.leases.list()).to.deep.equal([]);
    const { removed } = await collectGarbage(store);
    expect(removed.map(({ digest }) => digest)).to.deep.equal([finished]);
    expect(readdirSync(join(folder, 'images-state', 'ingest'))).to.deep.equal([]);
    expect(readdirSync(join(folder, 'images-state', 'leases'))).to.deep.equal([]);
  });

  it('loses no name when two processes set names at once', async () => {
    const children = ['left', 'right'].map(prefix => childOf('set-names.ts', root, prefix, '30'));
    const exits = await Promise.all(children.map(child => once(child, 'exit')));
    expect(exits.map(([code]) => code as number)).to.deep.equal([0, 0]);
    const store = await openLayoutStore(root);
    const expected = ['left', 'right'].flatMap(prefix =>
      Array.from({ length: 30 }, (_, index) => index)
        .filter(index => index % 3 !== 0)
        .map(index => `docker.io/library/${prefix}:${index}`),
    );
    expect((await store.references.list()).map(({ name }) => name)).to.have.members(expected);
  });

  it('says NO_SPACE when the disk is full, and leaves nothing there', async function () {
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder]);
    if (mounted.status !== 0) {
      console.log('      skipped: tmpfs cannot be mounted here');
      this.skip();
    }
    try {
      const store = await openLayoutStore(root);
      const small = await store.ingest([bytesOf('small')]);
      expect(await codeOf(() => store.ingest(chunked(Buffer.alloc(8_000_000), 100_000)))).to.equal(
        'NO_SPACE',
      );
      expect(await listDigests(store)).to.deep.equal([small.digest]);
      expect(readdirSync(join(folder, 'images-state', 'ingest'))).to.deep.equal([]);
    } finally {
      execFileSync('umount', [folder]);
    }
  });
});
