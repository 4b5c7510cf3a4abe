import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { importArchive } from '../../src/content/archive/import.ts';
import { loadImages } from '../../src/content/archive/load.ts';
import { saveImages } from '../../src/content/archive/save.ts';
import { createMemoryStore } from '../../src/content/memory-store.ts';
import { resolveImage } from '../../src/content/resolve-image.ts';
import { serializeImageConfig } from '../../src/image/config.ts';
import { digestOf } from '../../src/image/digest.ts';
import { mediaTypes } from '../../src/image/media-types.ts';
import { tarEntry } from '../../src/tar/entry.ts';
import { type TarItem, tarItem, writeTar } from '../../src/tar/writer.ts';
import { byteString } from '../../src/util/byte-string.ts';
import { chunked, codeOf, collect, listDigests } from './conformance.ts';
import { addImage, tarOf } from './support.ts';

const name = 'docker.io/library/app:1';

function file(path: string, content: string | Uint8Array): TarItem {
  return tarItem(tarEntry({ type: 'file', name: byteString(path) }), Buffer.from(content as string));
}

/** An archive as `docker save` wrote it until version 24. */
async function legacyArchive(change: { manifest?: object[]; extra?: TarItem[] } = {}): Promise<Buffer> {
  const layer = await tarOf({ hello: 'world' });
  const config = serializeImageConfig({
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [digestOf(layer), digestOf(layer)] },
  });
  const configPath = `${config.digest.slice(7)}.json`;
  const manifest = change.manifest ?? [
    { Config: configPath, RepoTags: ['app:1', 'localhost:5000/b'], Layers: ['aa/layer.tar', 'bb/layer.tar'] },
  ];
  return collect(
    writeTar([
      { entry: tarEntry({ type: 'directory', name: byteString('aa') }) },
      file('aa/VERSION', '1.0'),
      file('aa/layer.tar', layer),
      {
        entry: tarEntry({
          type: 'symlink',
          name: byteString('bb/layer.tar'),
          linkname: byteString('../aa/layer.tar'),
        }),
      },
      file(configPath, config.bytes),
      ...(change.extra ?? []),
      file('manifest.json', JSON.stringify(manifest)),
    ]),
  );
}

describe('image archives', () => {
  for (const format of ['docker', 'oci'] as const) {
    it(`come back from a ${format} archive with digest and name, also compressed`, async () => {
      const store = createMemoryStore();
      const { descriptor } = await addImage(store, ['one', 'two']);
      await store.references.set(name, descriptor);
      const archive = await collect(saveImages(store, ['app:1'], { format }));
      const again = await collect(saveImages(store, ['app:1'], { format }));
      expect(archive.equals(again)).to.equal(true);
      for (const bytes of [archive, gzipSync(archive)]) {
        const other = createMemoryStore();
        const loaded = await loadImages(other, chunked(bytes, 777));
        expect(loaded).to.deep.equal([{ names: [name], descriptor }]);
        expect((await resolveImage(other, 'app:1')).manifest.digest).to.equal(descriptor.digest);
        expect(await other.leases.list()).to.deep.equal([]);
      }
    });
  }

  it('keep an image without a name', async () => {
    const store = createMemoryStore();
    const { descriptor } = await addImage(store, ['one']);
    await store.references.set(descriptor.digest, descriptor);
    const archive = await collect(saveImages(store, [descriptor.digest], { format: 'docker' }));
    const other = createMemoryStore();
    expect(await loadImages(other, chunked(archive))).to.deep.equal([{ names: [], descriptor }]);
    expect((await resolveImage(other, descriptor.digest)).name).to.equal(undefined);
  });

  it('of docker before version 25 get a manifest', async () => {
    const store = createMemoryStore();
    const [loaded] = await loadImages(store, chunked(await legacyArchive()));
    expect(loaded?.names).to.deep.equal([name, 'localhost:5000/b:latest']);
    const image = await resolveImage(store, 'app:1');
    expect(image.manifest.value.layers.map(({ mediaType }) => mediaType)).to.deep.equal([
      mediaTypes.ociLayer,
      mediaTypes.ociLayer,
    ]);
    expect(image.config.value.rootfs.diff_ids).to.deep.equal(
      image.manifest.value.layers.map(({ digest }) => digest),
    );
  });

  const refused: [string, () => Promise<Buffer>, string][] = [
    ['nothing', () => tarOf({}), 'TAR_INVALID'],
    ['a file tree', () => tarOf({ 'etc/passwd': '' }), 'TAR_INVALID'],
    ['a manifest.json that is no list', () => tarOf({ 'manifest.json': '{}' }), 'MANIFEST_INVALID'],
    ['a manifest.json that is no JSON', () => tarOf({ 'manifest.json': '[' }), 'MANIFEST_INVALID'],
    [
      'layers that are no paths',
      () => legacyArchive({ manifest: [{ Config: 'x', Layers: [1] }] }),
      'MANIFEST_INVALID',
    ],
    [
      'a config that is not there',
      () => legacyArchive({ manifest: [{ Config: 'x', Layers: [] }] }),
      'TAR_INVALID',
    ],
    [
      'a blob that is not what its path says',
      () => legacyArchive({ extra: [file(`blobs/sha256/${digestOf('x').slice(7)}`, 'y')] }),
      'DIGEST_INVALID',
    ],
    [
      'a document without end (CVE-2023-25153)',
      () => tarOf({ 'index.json': Buffer.alloc(5 << 20, ' ') }),
      'SIZE_INVALID',
    ],
  ];
  for (const [what, archive, code] of refused) {
    it(`refuse ${what}`, async () => {
      const store = createMemoryStore();
      const bytes = await archive();
      expect(await codeOf(() => loadImages(store, chunked(bytes, 100_000)))).to.equal(code);
      expect(await store.references.list()).to.deep.equal([]);
      expect(await store.leases.list()).to.deep.equal([]);
    });
  }

  it('that are cut off are refused', async () => {
    const bytes = await legacyArchive();
    expect(await codeOf(() => loadImages(createMemoryStore(), chunked(bytes.subarray(0, 2000))))).to.equal(
      'TAR_INVALID',
    );
    const compressed = gzipSync(bytes);
    const cut = compressed.subarray(0, compressed.length - 20);
    expect(await codeOf(() => loadImages(createMemoryStore(), chunked(cut)))).to.equal('COMPRESSION_INVALID');
  });

  it('of a file tree become an image of one layer', async () => {
    const store = createMemoryStore();
    const tree = await tarOf({ 'bin/sh': 'x' });
    const options = { name, config: { Cmd: ['/bin/sh'] }, message: 'from a tree', created: 0 };
    const descriptor = await importArchive(store, chunked(gzipSync(tree)), options);
    const image = await resolveImage(store, 'app:1');
    expect(image.descriptor).to.deep.equal(descriptor);
    expect(image.config.value).to.deep.include({
      created: '1970-01-01T00:00:00.000Z',
      config: { Cmd: ['/bin/sh'] },
      rootfs: { type: 'layers', diff_ids: [digestOf(tree)] },
      history: [{ created: '1970-01-01T00:00:00.000Z', comment: 'from a tree' }],
    });
    expect((await listDigests(store)).length).to.equal(3);
  });
});
