import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import { Arrivals, type ArrivingBlob } from '../../src/content/arrivals.ts';
import { openLayoutStore } from '../../src/content/layout-store.ts';
import type { LayoutStore } from '../../src/content/store.ts';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import { extendChainID } from '../../src/image/chain-id.ts';
import { type Digest, digestOf } from '../../src/image/digest.ts';
import { mediaTypes } from '../../src/image/media-types.ts';
import { commitLayer } from '../../src/layers/commit-layer.ts';
import { openSnapshotter } from '../../src/layers/open-snapshotter.ts';
import type { SnapshotCatalog, Snapshotter, SnapshotterKind } from '../../src/layers/snapshotter.ts';
import { type StackLayer, unpackLayers } from '../../src/layers/unpack-image.ts';
import { makeTestRoots, mountsBelow, type TestRoots } from './support/roots.ts';
import { describeTree } from './support/tree-ops.ts';

const steps: readonly ((tree: string) => void)[] = [
  tree => {
    mkdirSync(`${tree}/usr/bin`, { recursive: true });
    symlinkSync('usr/bin', `${tree}/bin`);
    mkdirSync(`${tree}/d/sub`, { recursive: true });
    writeFileSync(`${tree}/d/old`, 'old');
    writeFileSync(`${tree}/usr/bin/tool`, 'tool');
    chmodSync(`${tree}/usr/bin/tool`, 0o4755);
  },
  tree => {
    writeFileSync(`${tree}/bin/through-link`, 'x');
    rmSync(`${tree}/d`, { recursive: true });
    mkdirSync(`${tree}/d`);
    writeFileSync(`${tree}/d/new`, 'new');
    linkSync(`${tree}/d/new`, `${tree}/linked`);
  },
  tree => {
    rmSync(`${tree}/d`, { recursive: true });
    symlinkSync('usr', `${tree}/d`);
    rmSync(`${tree}/usr/bin/tool`);
  },
];

for (const kind of ['overlay', 'copy'] as const satisfies readonly SnapshotterKind[]) {
  describe(`layers/unpack-image ${kind}`, () => {
    let roots: TestRoots;
    let store: LayoutStore;
    let layers: StackLayer[];
    let expected: Record<string, unknown>;
    let snapshotter: Snapshotter & SnapshotCatalog;

    /** Builds the stack in one root, to unpack it in another. */
    beforeEach(async () => {
      roots = makeTestRoots();
      store = await openLayoutStore(join(roots.folder, 'images'));
      const origin = { root: join(roots.folder, 'origin'), run: join(roots.folder, 'origin-run'), kind };
      const builder = await openSnapshotter(origin);
      layers = [];
      let parent: Digest | undefined;
      for (const [index, step] of steps.entries()) {
        const active = await builder.prepare(`step-${index}`, parent);
        const tree = await active.mount();
        step(tree);
        const { descriptor, diffID } = await commitLayer(store, active, { sourceDateEpoch: 1000 });
        layers.push({ descriptor, diffID });
        expected = describeTree(tree);
        parent = extendChainID(parent, diffID);
        await builder.commit(active, parent);
      }
      snapshotter = await openSnapshotter({ root: roots.root, run: roots.run, kind });
    });
    afterEach(() => roots.remove());

    it('makes the tree that the layers were made of', async () => {
      const states: string[] = [];
      const chainID = await unpackLayers(store, snapshotter, {
        layers,
        onProgress: ({ index, state }) => states.push(`${index} ${state}`),
      });
      const active = await snapshotter.prepare('look', chainID);
      const tree = describeTree(await active.mount());
      await active.discard();
      // The layers were clamped, so times are not the same here.
      const withoutTimes = (value: Record<string, unknown>) =>
        Object.fromEntries(
          Object.entries(value).map(([path, facts]) => [
            path,
            (facts as string[]).filter((_, index) => index !== 3),
          ]),
        );
      expect(withoutTimes(tree)).to.deep.equal(withoutTimes(expected));
      expect(states).to.have.length(6);
      const again: string[] = [];
      await unpackLayers(store, snapshotter, { layers, onProgress: ({ state }) => again.push(state) });
      expect(again).to.deep.equal(['present', 'present', 'present']);
    });

    it('asks only for the layers that have to be unpacked', async () => {
      const asked: Digest[] = [];
      const fetchLayer = async (descriptor: { readonly digest: Digest }) =>
        void asked.push(descriptor.digest);
      await unpackLayers(store, snapshotter, { layers: layers.slice(0, 1), fetchLayer });
      await unpackLayers(store, snapshotter, { layers, fetchLayer });
      expect(asked).to.deep.equal(layers.map(({ descriptor }) => descriptor.digest));
    });

    it('goes on where a pruning takes what it has just made, and gives up when that never ends', async () => {
      let prunings = 0;
      const pruning = (limit: number): Snapshotter => ({
        kind: snapshotter.kind,
        stat: chainID => snapshotter.stat(chainID),
        find: key => snapshotter.find(key),
        async prepare(key, parent) {
          if (parent !== undefined && prunings++ < limit) await snapshotter.remove(parent);
          return snapshotter.prepare(key, parent);
        },
        commit: (active, chainID) => snapshotter.commit(active, chainID),
      });
      await unpackLayers(store, snapshotter, { layers: layers.slice(0, 1) });
      const chainID = await unpackLayers(store, pruning(3), { layers });
      expect(await snapshotter.stat(chainID as Digest)).to.not.equal(undefined);
      expect(prunings).to.be.greaterThan(kind === 'overlay' ? 3 : 0);
      await snapshotter.remove(chainID as Digest);
      await unpackLayers(store, snapshotter, { layers: layers.slice(0, 1) });
      prunings = 0;
      const endless = unpackLayers(store, pruning(Number.POSITIVE_INFINITY), { layers });
      const result: unknown = await endless.catch((thrown: unknown) => thrown);
      // A copy of the whole stack stands on nothing that could go.
      if (kind === 'overlay') expect(isHawserError(result, 'SNAPSHOT_UNKNOWN')).to.equal(true);
      else expect(result).to.equal(chainID);
    });

    /** Ingests layers into another store in small pieces, each of which waits for `pace`, and tells of their arrival. */
    const bring = async (target: LayoutStore, arrivals: Arrivals, pace: (piece: number) => Promise<void>) => {
      for (const { descriptor } of layers) {
        const { digest, size } = descriptor;
        const pieces = async function* () {
          let piece = 0;
          for await (const chunk of store.open(digest)) {
            for (let at = 0; at < chunk.length; at += 700) {
              yield chunk.slice(at, at + 700);
              await pace(piece++);
            }
          }
        };
        const onArriving = (blob: ArrivingBlob) => arrivals.begin(digest, blob);
        await target.ingest(pieces(), { digest, size, onArriving });
      }
    };

    it('unpacks layers while they arrive', async () => {
      const target = await openLayoutStore(join(roots.folder, 'arriving'));
      const arrivals = new Arrivals();
      const [chainID] = await Promise.all([
        unpackLayers(target, snapshotter, { layers, arrivals }),
        bring(target, arrivals, () => setImmediate()),
      ]);
      const plain = await unpackLayers(store, snapshotter, { layers });
      expect(chainID).to.equal(plain);
      const active = await snapshotter.prepare('look', chainID);
      expect(Object.keys(describeTree(await active.mount()))).to.deep.equal(Object.keys(expected));
      await active.discard();
    });

    it('leaves nothing of a layer that breaks off while it arrives', async () => {
      const target = await openLayoutStore(join(roots.folder, 'arriving'));
      const arrivals = new Arrivals();
      const breakOff = async (piece: number) => {
        await setImmediate();
        if (piece === 3) throw new Error('the line is cut');
      };
      const [unpacked, brought] = await Promise.allSettled([
        unpackLayers(target, snapshotter, { layers, arrivals }),
        bring(target, arrivals, breakOff).catch(error => {
          arrivals.fail(error);
          throw error;
        }),
      ]);
      expect([unpacked.status, brought.status]).to.deep.equal(['rejected', 'rejected']);
      expect(await snapshotter.list()).to.deep.equal([]);
      expect(mountsBelow(roots.folder)).to.deep.equal([]);
    });

    const broken: readonly (readonly [string, (layer: StackLayer) => StackLayer, string])[] = [
      [
        'a layer that is not what its diffID says',
        layer => ({ ...layer, diffID: digestOf('other') }),
        'DIGEST_INVALID',
      ],
      [
        'a layer that is not there',
        layer => ({ ...layer, descriptor: { ...layer.descriptor, digest: digestOf('gone') } }),
        'BLOB_UNKNOWN',
      ],
      [
        'a layer of an unknown media type',
        layer => ({ ...layer, descriptor: { ...layer.descriptor, mediaType: 'text/plain' } }),
        'LAYER_INVALID',
      ],
      [
        'a layer that is not compressed as it says',
        layer => ({ ...layer, descriptor: { ...layer.descriptor, mediaType: mediaTypes.ociLayerGzip } }),
        'COMPRESSION_INVALID',
      ],
    ];
    for (const [name, change, code] of broken) {
      it(`leaves nothing of ${name}`, async () => {
        const [first, second] = layers as [StackLayer, StackLayer];
        const error = await unpackLayers(store, snapshotter, { layers: [first, change(second)] }).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        if (!isHawserError(error)) throw error;
        expect(error.code).to.equal(code);
        const whole = kind === 'overlay' ? [first.diffID] : [];
        expect((await snapshotter.list()).map(info => info.chainID)).to.deep.equal(whole);
        expect(readdirSync(join(roots.root, kind, 'active'))).to.deep.equal([]);
        expect(mountsBelow(roots.folder)).to.deep.equal([]);
      });
    }

    it('keeps setuid bits', async () => {
      const chainID = await unpackLayers(store, snapshotter, { layers: layers.slice(0, 1) });
      const active = await snapshotter.prepare('look', chainID);
      const tree = await active.mount();
      expect(lstatSync(`${tree}/usr/bin/tool`).mode & 0o7777).to.equal(0o4755);
      expect(readFileSync(`${tree}/bin/tool`, 'utf8')).to.equal('tool');
    });
  });
}
