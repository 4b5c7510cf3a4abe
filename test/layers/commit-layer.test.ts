import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openLayoutStore } from '../../src/content/layout-store.ts';
import type { LayoutStore } from '../../src/content/store.ts';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import { digestOf } from '../../src/image/digest.ts';
import { commitLayer } from '../../src/layers/commit-layer.ts';
import { writeLayer } from '../../src/layers/diff-writer.ts';
import { openSnapshotter } from '../../src/layers/open-snapshotter.ts';
import type { ActiveSnapshot } from '../../src/layers/snapshotter.ts';
import { makeTestRoots, type TestRoots } from './support/roots.ts';

describe('layers/commit-layer', () => {
  let roots: TestRoots;
  let store: LayoutStore;
  let active: ActiveSnapshot;
  beforeEach(async () => {
    roots = makeTestRoots();
    store = await openLayoutStore(join(roots.folder, 'images'));
    const snapshotter = await openSnapshotter({ root: roots.root, run: roots.run });
    active = await snapshotter.prepare('a', undefined);
  });
  afterEach(() => roots.remove());

  for (const [name, files] of [
    ['a small layer, at once', 3],
    ['a large layer, in a worker thread', 1200],
  ] as const) {
    it(`stores ${name}`, async () => {
      mkdirSync(`${active.upper}/d`);
      for (let index = 0; index < files; index++) writeFileSync(`${active.upper}/d/${index}`, `${index}`);
      const layer = await commitLayer(store, active, { sourceDateEpoch: 1 });
      expect(layer.entries).to.equal(files + 1);
      const bytes = readFileSync(store.pathOf(layer.diffID));
      expect(digestOf(bytes)).to.equal(layer.diffID);
      expect(bytes).to.have.length(layer.size);
      expect(layer.descriptor).to.deep.equal({
        mediaType: 'application/vnd.oci.image.layer.v1.tar',
        digest: layer.diffID,
        size: layer.size,
      });
      const plain = writeLayer(active.changes, join(roots.folder, 'plain.tar'), { sourceDateEpoch: 1 });
      expect(plain.digest).to.equal(layer.diffID);
    });
  }

  it('stores the same empty layer for every step that changes nothing', async () => {
    const layer = await commitLayer(store, active);
    expect([layer.entries, layer.size]).to.deep.equal([0, 1024]);
    expect((await commitLayer(store, active)).diffID).to.equal(layer.diffID);
  });

  for (const [name, count] of [
    ['at once', 1],
    ['in a thread', 1200],
  ] as const) {
    it(`leaves nothing of a layer that cannot be written, ${name}`, async () => {
      for (let index = 0; index < count; index++) writeFileSync(`${active.upper}/${index}`, '');
      writeFileSync(`${active.upper}/.wh.x`, '');
      try {
        await commitLayer(store, active);
        expect.fail('must throw');
      } catch (error) {
        if (!isHawserError(error, 'LAYER_INVALID')) throw error;
        expect(error.remedy).to.be.a('string');
      }
      expect(readdirSync(join(roots.folder, 'images'), { recursive: true, encoding: 'utf8' })).to.satisfy(
        (names: string[]) => names.every(path => !/sha256\/./.test(path)),
      );
      const state = readdirSync(roots.folder, { recursive: true, encoding: 'utf8' });
      expect(state.filter(path => path.endsWith('.tmp'))).to.deep.equal([]);
    });
  }

  it('stops when it is cancelled', async () => {
    for (let index = 0; index < 1200; index++) writeFileSync(`${active.upper}/${index}`, 'x'.repeat(50_000));
    const controller = new AbortController();
    const work = commitLayer(store, active, { signal: controller.signal });
    setTimeout(() => controller.abort(), 5);
    const error = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(isHawserError(error, 'ABORTED')).to.equal(true);
    const names = readdirSync(roots.folder, { recursive: true, encoding: 'utf8' });
    expect(names.filter(path => path.endsWith('.tmp'))).to.deep.equal([]);
  });
});
