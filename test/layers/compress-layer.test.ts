import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import { openLayoutStore } from '../../src/content/layout-store.ts';
import type { LayoutStore } from '../../src/content/store.ts';
import type { Descriptor } from '../../src/image/descriptor.ts';
import { digestOf } from '../../src/image/digest.ts';
import { mediaTypes } from '../../src/image/media-types.ts';
import { compressLayer, prepareLayer } from '../../src/layers/compress-layer.ts';

const content = Buffer.alloc(2_500_000, 'layer ');

describe('layers/compress-layer', () => {
  let folder: string;
  let store: LayoutStore;
  let layer: Descriptor;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hawser-compress-'));
    store = await openLayoutStore(join(folder, 'images'), { state: join(folder, 'state') });
    layer = { mediaType: mediaTypes.ociLayer, ...(await store.ingest([content])) };
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function bytesOf(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of source) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  it('C2 compresses while it is read, and keeps what came of it', async () => {
    const prepared = await prepareLayer(store, layer, { compression: 'gzip' });
    expect(prepared.descriptor).to.be.instanceOf(Promise);
    const sent = await bytesOf(prepared.open());
    const descriptor = await prepared.descriptor;
    expect(descriptor).to.deep.equal({
      mediaType: mediaTypes.ociLayerGzip,
      digest: digestOf(sent),
      size: sent.length,
    });
    expect(gunzipSync(sent).equals(content)).to.equal(true);
    expect((await bytesOf(store.open(descriptor.digest))).equals(sent)).to.equal(true);
    expect((await bytesOf(prepared.open())).equals(sent), 'a second time').to.equal(true);
  });

  it('C3 never compresses twice, unless the blob is gone', async () => {
    const first = await compressLayer(store, layer, { compression: 'gzip' });
    const again = await prepareLayer(store, layer, { compression: 'gzip' });
    expect(again.descriptor).to.deep.equal(first);
    const other = await prepareLayer(store, layer, { compression: 'gzip', level: 1 });
    expect(other.descriptor).to.be.instanceOf(Promise);
    await store.remove(first.digest);
    expect(await compressLayer(store, layer, { compression: 'gzip' })).to.deep.equal(first);
  });

  it('a reader that stops early leaves nothing, and can begin again', async () => {
    const prepared = await prepareLayer(store, layer, { compression: 'gzip' });
    for await (const _ of prepared.open()) break;
    expect(readdirSync(join(folder, 'state', 'ingest'))).to.deep.equal([]);
    const sent = await bytesOf(prepared.open());
    expect((await prepared.descriptor).digest).to.equal(digestOf(sent));
  });

  it('knows the media types of OCI and of Docker, and leaves alone what is compressed', async () => {
    const docker = { ...layer, mediaType: mediaTypes.dockerLayer };
    expect((await compressLayer(store, docker, { compression: 'zstd' })).mediaType).to.equal(
      mediaTypes.dockerLayerZstd,
    );
    const zipped = { ...layer, mediaType: mediaTypes.ociLayerGzip };
    expect(await compressLayer(store, zipped, { compression: 'zstd' })).to.equal(zipped);
    expect(await compressLayer(store, layer, { compression: 'uncompressed' })).to.equal(layer);
  });

  it('C2 a layer that is not what its digest says does not go out', async () => {
    const wrong = { ...layer, digest: digestOf('other') };
    const failure = await compressLayer(store, wrong, { compression: 'gzip' }).catch(
      (error: unknown) => error,
    );
    expect(failure).to.have.property('code', 'BLOB_UNKNOWN');
    chmodSync(store.pathOf(layer.digest), 0o644);
    writeFileSync(store.pathOf(layer.digest), 'changed');
    const corrupt = await compressLayer(store, layer, { compression: 'gzip' }).catch(
      (error: unknown) => error,
    );
    expect(corrupt).to.have.property('code', 'STORE_CORRUPT');
    expect(readdirSync(join(folder, 'state', 'ingest'))).to.deep.equal([]);
  });
});
