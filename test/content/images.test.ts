import { expect } from 'chai';
import { collectGarbage } from '../../src/content/gc.ts';
import { createMemoryStore } from '../../src/content/memory-store.ts';
import { resolveImage } from '../../src/content/resolve-image.ts';
import type { ContentStore } from '../../src/content/store.ts';
import { digestOf } from '../../src/image/digest.ts';
import { bytesOf, codeOf, listDigests } from './conformance.ts';
import { addImage, addIndex } from './support.ts';

const amd64 = { os: 'linux', architecture: 'amd64' };
const arm64 = { os: 'linux', architecture: 'arm64' };

describe('resolveImage', () => {
  let store: ContentStore;
  beforeEach(() => {
    store = createMemoryStore();
  });

  it('finds by every way of naming', async () => {
    const { descriptor, manifest } = await addImage(store, ['one']);
    await store.references.set('docker.io/library/app:latest', descriptor);
    await store.references.set('localhost:5000/team/app:v1', descriptor);
    const config = manifest.value.config.digest;
    const ways: [string, string | undefined][] = [
      ['app', 'docker.io/library/app:latest'],
      ['app:latest', 'docker.io/library/app:latest'],
      ['docker.io/library/app', 'docker.io/library/app:latest'],
      ['localhost:5000/team/app:v1', 'localhost:5000/team/app:v1'],
      [`app@${descriptor.digest}`, 'docker.io/library/app:latest'],
      [`localhost:5000/team/app@${descriptor.digest}`, 'localhost:5000/team/app:v1'],
      [descriptor.digest, 'docker.io/library/app:latest'],
      [descriptor.digest.slice(7, 19), 'docker.io/library/app:latest'],
      [config, 'docker.io/library/app:latest'],
      [config.slice(7, 11), 'docker.io/library/app:latest'],
    ];
    for (const [text, name] of ways) {
      const image = await resolveImage(store, text);
      expect(image.name, text).to.equal(name);
      expect(image.descriptor, text).to.deep.equal(descriptor);
      expect(image.manifest.digest, text).to.equal(descriptor.digest);
      expect(image.config.value.config?.Cmd, text).to.deep.equal(['/bin/sh']);
    }
  });

  it('finds an image without a name by its id, and gives it none', async () => {
    const { descriptor, manifest } = await addImage(store, ['one']);
    await store.references.set(descriptor.digest, descriptor);
    for (const text of [descriptor.digest, manifest.value.config.digest.slice(7, 15)]) {
      expect((await resolveImage(store, text)).name, text).to.equal(undefined);
    }
  });

  it('narrows an index to a platform', async () => {
    const images = [await addImage(store, ['amd']), await addImage(store, ['arm'], arm64)] as const;
    const index = await addIndex(store, [
      { descriptor: images[0].descriptor, platform: amd64 },
      { descriptor: images[1].descriptor, platform: arm64 },
    ]);
    await store.references.set('docker.io/library/app:latest', index);
    const arm = await resolveImage(store, 'app', { platform: arm64 });
    expect(arm.descriptor).to.deep.equal(index);
    expect(arm.manifest.digest).to.equal(images[1].descriptor.digest);
    const riscv = { os: 'linux', architecture: 'riscv64' };
    expect(await codeOf(() => resolveImage(store, 'app', { platform: riscv }))).to.equal(
      'PLATFORM_UNAVAILABLE',
    );
    const byId = await resolveImage(store, images[1].manifest.value.config.digest);
    expect(byId.manifest.digest).to.equal(images[1].descriptor.digest);
  });

  it('names what is near when there is none', async () => {
    const { descriptor } = await addImage(store, ['one']);
    await store.references.set('docker.io/library/nginx:1.22', descriptor);
    const remedies: [string, string][] = [
      ['ngnix:1.22', 'Did you mean nginx:1.22?'],
      ['nginx:1.23', 'Did you mean nginx:1.22?'],
      ['quite-other', 'Pull it with hawser image pull quite-other'],
    ];
    for (const [text, remedy] of remedies) {
      const error = await resolveImage(store, text).catch((caught: unknown) => caught);
      expect(error, text)
        .to.include({ code: 'IMAGE_UNKNOWN' })
        .and.have.property('remedy')
        .that.contains(remedy);
    }
  });
});

describe('collectGarbage', () => {
  it('keeps what a name, a lease or the caller reaches, and nothing else', async () => {
    const store = createMemoryStore();
    const named = await addImage(store, ['shared', 'named']);
    const leased = await addImage(store, ['shared', 'leased']);
    await addImage(store, ['shared', 'gone']);
    const kept = await store.ingest([bytesOf('kept')]);
    const config = await store.ingest([bytesOf('{"architecture":"amd64"}')]);
    await store.references.set('docker.io/library/app:latest', named.descriptor);
    const lease = await store.leases.acquire('build');
    await lease.add(leased.descriptor.digest, config.digest, digestOf('not there'));
    const preview = await collectGarbage(store, { keep: async () => [kept.digest], dryRun: true });
    expect(preview.removed.length).to.equal(3);
    expect((await listDigests(store)).length).to.equal(12);
    const { removed, size } = await collectGarbage(store, { keep: async () => [kept.digest] });
    expect(removed.length).to.equal(3);
    expect(size).to.be.greaterThan(1024);
    await lease.release();
    await collectGarbage(store);
    const { config: namedConfig, layers } = named.manifest.value;
    const expected = [named.descriptor, namedConfig, ...layers].map(({ digest }) => digest).sort();
    expect(await listDigests(store)).to.deep.equal(expected);
  });

  it('follows an index of which parts are not here', async () => {
    const store = createMemoryStore();
    const here = await addImage(store, ['here']);
    const absent = { ...here.descriptor, digest: digestOf('absent') };
    const index = await addIndex(store, [
      { descriptor: here.descriptor, platform: amd64 },
      { descriptor: absent, platform: arm64 },
    ]);
    await store.references.set('docker.io/library/app:latest', index);
    expect((await collectGarbage(store)).removed).to.deep.equal([]);
    expect((await listDigests(store)).length).to.equal(4);
  });
});
