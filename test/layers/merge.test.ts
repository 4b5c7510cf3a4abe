import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import type { Descriptor } from '../../src/image/descriptor.ts';
import { compareImages } from '../../src/layers/compare-images.ts';
import { exploreImage } from '../../src/layers/explore-image.ts';
import { parseLayerRange } from '../../src/layers/layer-range.ts';
import { mergeImage } from '../../src/layers/merge-image.ts';
import { mergeLayers } from '../../src/layers/merge-layers.ts';
import { openSnapshotter } from '../../src/layers/open-snapshotter.ts';
import { layersOf, type StackLayer, unpackLayers } from '../../src/layers/unpack-image.ts';
import { readTar } from '../../src/tar/reader.ts';
import type { TarItem } from '../../src/tar/writer.ts';
import { textOf } from '../../src/util/byte-string.ts';
import { device, file, folder, hardlink, symlink } from './apply-support.ts';
import { makeTestRoots, type TestRoots } from './support/roots.ts';
import { describeWhole, imageOf, openTestStore, storeLayers } from './support/stack.ts';

const mtime = { seconds: 1_000_000_000, nanoseconds: 0 };
const later = { seconds: 1_000_000_500, nanoseconds: 7 };

/** Each layer plays a trick on those below it. */
const layers: readonly (readonly TarItem[])[] = [
  [
    folder('.', { mtime }),
    folder('etc', { mtime }),
    file('etc/passwd', 'root', { mtime }),
    file('etc/old', 'x'.repeat(5000), { mtime }),
    folder('data', { mtime, mode: 0o1777 }),
    file('data/low', 'low', { mtime }),
    folder('swap', { mtime }),
    file('swap/in', 'in', { mtime }),
    symlink('turn', 'etc', { mtime }),
    file('one', 'linked', { mtime }),
    hardlink('two', 'one'),
  ],
  [
    folder('etc', { mtime: later }),
    file('etc/.wh.old', ''),
    file('etc/big', 'b'.repeat(70_000), { mtime, mode: 0o4755, uid: 3_000_000 }),
    symlink('swap', 'data', { mtime }),
    folder('turn', { mtime }),
    file('turn/x', 'x', { mtime, xattrs: new Map([['user.k', Buffer.from('v\0')]]) }),
    hardlink('etc/three', 'one'),
    device('null', { type: 'character-device', devmajor: 1, devminor: 3, mode: 0o666, mtime }),
    device('pipe', { type: 'fifo', mtime }),
  ],
  [
    file('data/.wh..wh..opq', ''),
    file('data/new', 'new', { mtime }),
    file('etc/big', 'small', { mtime }),
    file('swap/through', 'a link', { mtime }),
    file('.wh.one', ''),
    file('Ünï', 'utf8', { mtime }),
    file(`${'long/'.repeat(60)}x`, 'deep', { mtime }),
  ],
  [file('.wh.null', ''), file('etc/passwd', 'root2', { mtime }), file('.wh.two', '')],
];

async function codeOf(work: () => unknown): Promise<unknown> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return isHawserError(error) ? error.code : error;
  }
}

describe('layers/merge', () => {
  let roots: TestRoots;
  beforeEach(() => {
    roots = makeTestRoots();
  });
  afterEach(() => roots.remove());

  async function mounted(
    store: Awaited<ReturnType<typeof openTestStore>>,
    stack: readonly StackLayer[],
    kind: 'overlay' | 'copy',
  ) {
    const snapshotter = await openSnapshotter({ root: roots.root, run: roots.run, kind });
    const chainID = await unpackLayers(store, snapshotter, { layers: stack });
    const active = await snapshotter.prepare(`look-${Math.random()}`, chainID);
    const tree = describeWhole(await active.mount(), kind === 'overlay');
    await active.discard();
    return tree;
  }

  for (const [from, to] of [
    [0, 3],
    [0, 1],
    [1, 2],
    [1, 3],
    [2, 3],
  ] as const) {
    it(`M1 shows the same when mounted, with layers ${from + 1} to ${to + 1} merged`, async () => {
      const store = await openTestStore(roots.folder);
      const image = imageOf(await storeLayers(store, layers));
      const merged = await mergeImage(store, image, { range: { from, to } });
      const before = layersOf(image.manifest.value, image.config.value);
      const after = layersOf(merged.manifest.value, merged.config.value);
      expect(after).to.have.length(before.length - (to - from));
      for (const kind of ['overlay', 'copy'] as const) {
        expect(await mounted(store, after, kind)).to.deep.equal(await mounted(store, before, kind));
      }
      expect(await compareImages(store, { before, after })).to.deep.equal([]);
      const again = await mergeLayers(store, before, { range: { from, to } });
      expect(again, 'M5').to.deep.equal(merged.layer);
    });
  }

  it('M7 merges the same layers once, as long as what came of it is there', async () => {
    const store = await openTestStore(roots.folder);
    const image = imageOf(await storeLayers(store, layers));
    const options = { range: { from: 1, to: 2 } };
    const merged = await mergeImage(store, image, options);
    // Without one of the layers there is nothing to merge.
    await store.remove((image.manifest.value.layers[2] as Descriptor).digest);
    expect(await mergeImage(store, image, options)).to.deep.equal(merged);
    await store.remove(merged.layer.diffID);
    expect(await codeOf(() => mergeImage(store, image, options))).to.equal('BLOB_UNKNOWN');
  });

  async function namesIn(stack: readonly (readonly TarItem[])[], from: number): Promise<readonly string[]> {
    const store = await openTestStore(roots.folder);
    const image = imageOf(await storeLayers(store, stack));
    const { layer } = await mergeImage(store, image, { range: { from, to: stack.length - 1 } });
    const names: string[] = [];
    for await (const { entry } of readTar(store.open(layer.diffID))) {
      names.push(textOf(entry.name) + (entry.type === 'link' ? ` = ${textOf(entry.linkname)}` : ''));
    }
    return names;
  }

  it('M2 keeps whiteouts only of what lies below, and M3 nothing that is hidden', async () => {
    const stack = [
      [file('a'), file('b')],
      [file('.wh.a', ''), file('c'), file('d')],
      [file('.wh.c', ''), file('d', 'new'), file('.wh.nothing', '')],
    ];
    expect(await namesIn(stack, 1)).to.deep.equal(['.wh.a', 'd']);
    expect(await namesIn(stack, 0)).to.deep.equal(['b', 'd']);
  });

  it('M4 links to a file below, and takes the content along where that loses its names', async () => {
    const stack = [
      [file('a'), file('b')],
      [hardlink('c', 'a'), hardlink('d', 'b'), hardlink('e', 'b')],
    ];
    expect(await namesIn(stack, 1)).to.deep.equal(['c = a', 'd = b', 'e = b']);
    expect(await namesIn([...stack, [file('.wh.b', '')]], 1)).to.deep.equal(['.wh.b', 'c = a', 'd', 'e = d']);
  });

  it('M6 keeps the history true', async () => {
    const store = await openTestStore(roots.folder);
    const image = imageOf(await storeLayers(store, layers));
    const merged = await mergeImage(store, image, { range: { from: 1, to: 2 } });
    const { history = [], rootfs } = merged.config.value;
    expect(history.filter(entry => entry.empty_layer !== true)).to.have.length(rootfs.diff_ids.length);
    expect(
      history.map(({ created_by, empty_layer }) => `${empty_layer === true ? '-' : '+'} ${created_by}`),
    ).to.deep.equal([
      '+ RUN step 1',
      '- ENV step=1',
      '- RUN step 2',
      '- ENV step=2',
      '- RUN step 3',
      '+ hawser image merge',
      '- ENV step=3',
      '+ RUN step 4',
      '- ENV step=4',
    ]);
    const [, second, third] = image.config.value.rootfs.diff_ids;
    expect(history[5]).to.deep.equal({
      created: '2001-01-03T00:00:00Z',
      created_by: 'hawser image merge',
      comment: `merge of 2 layers, ${second} to ${third}`,
    });
    expect(merged.config.value.config).to.deep.equal({ Cmd: ['sh'] });
    expect(merged.layer.sizeBefore).to.be.above(merged.layer.size);
  });

  it('refuses what cannot be applied, with its name, and a layer with another content', async () => {
    const store = await openTestStore(roots.folder);
    for (const [items, code] of [
      [[file('../x')], 'LAYER_ENTRY_INVALID'],
      [[hardlink('a', 'missing')], 'LAYER_ENTRY_INVALID'],
      [[file('a'), file('a/b')], 'LAYER_ENTRY_INVALID'],
      [[file('.wh.d/x')], 'LAYER_ENTRY_INVALID'],
    ] as const) {
      const image = imageOf(await storeLayers(store, [items, []]));
      expect(await codeOf(() => mergeImage(store, image, { range: { from: 0, to: 1 } }))).to.equal(code);
    }
    const [first, second] = await storeLayers(store, [[file('a')], [file('b')]]);
    if (first === undefined || second === undefined) throw new Error('no layers');
    const image = imageOf([{ ...first, diffID: second.diffID }, second]);
    expect(await codeOf(() => mergeImage(store, image, { range: { from: 0, to: 1 } }))).to.equal(
      'DIGEST_INVALID',
    );
    mkdirSync(join(roots.folder, 'images-state/ingest'), { recursive: true });
    expect(readdirSync(join(roots.folder, 'images-state/ingest'))).to.deep.equal([]);
  });

  it('finds layers by number and by digits', async () => {
    const store = await openTestStore(roots.folder);
    const stack = await storeLayers(store, layers.slice(0, 3));
    const digits = stack[1]?.diffID.slice(7, 19);
    expect(parseLayerRange(stack, {})).to.deep.equal({ from: 0, to: 2 });
    expect(parseLayerRange(stack, { from: digits, to: '3' })).to.deep.equal({ from: 1, to: 2 });
    for (const ends of [
      { from: '3', to: '1' },
      { from: '4' },
      { from: '0' },
      { to: 'fffffff' },
      { to: 'x' },
    ]) {
      expect(await codeOf(async () => parseLayerRange(stack, ends))).to.equal('INVALID_ARGUMENT');
    }
  });
});

describe('layers/compare and layers/explore', () => {
  let roots: TestRoots;
  beforeEach(() => {
    roots = makeTestRoots();
  });
  afterEach(() => roots.remove());

  it('lists what was added, changed and removed, and why', async () => {
    const store = await openTestStore(roots.folder);
    const base = [
      folder('d', { mtime }),
      file('d/x', 'x'),
      file('same', 's'),
      file('mode', 'm'),
      file('type', 't'),
    ];
    const stack = await storeLayers(store, [
      base,
      [file('.wh.d', ''), file('mode', 'm', { mode: 0o600 }), symlink('type', 'same'), file('new', 'n')],
      [file('same', 's')],
    ]);
    const list = async (after: readonly StackLayer[], ignoreTimes = false) =>
      (await compareImages(store, { before: stack.slice(0, 1), after }, { ignoreTimes })).map(
        ({ kind, path, what }) => `${kind} ${textOf(path)} ${what.join()}`.trim(),
      );
    expect(await list(stack)).to.deep.equal(['D d', 'C mode mode', 'A new', 'C type type']);
    const touched = await storeLayers(store, [
      base,
      [file('same', 'S', { mtime }), file('mode', 'm', { mtime })],
    ]);
    expect(await list(touched)).to.deep.equal(['C mode time', 'C same time,content']);
    expect(await list(touched, true)).to.deep.equal(['C same content']);
  });

  it('tells files, sizes and waste of each layer', async () => {
    const store = await openTestStore(roots.folder);
    const image = imageOf(await storeLayers(store, layers));
    const { layers: found, wasted, content, waste } = await exploreImage(store, image);
    expect(
      found.map(({ number, files, whiteouts, waste: lost, createdBy }) => [
        number,
        files,
        whiteouts,
        lost,
        createdBy,
      ]),
    ).to.deep.equal([
      [1, 6, 0, 5009, 'RUN step 1'],
      [2, 5, 1, 70_000, 'RUN step 2'],
      [3, 5, 2, 0, 'RUN step 3'],
      [4, 1, 2, 0, 'RUN step 4'],
    ]);
    expect(wasted.slice(0, 2)).to.deep.equal([
      { path: '/etc/big', size: 70_000, layer: 2, hiddenBy: 3 },
      { path: '/etc/old', size: 5000, layer: 1, hiddenBy: 2 },
    ]);
    expect(waste).to.equal(75_009);
    expect(content).to.equal(found.reduce((sum, layer) => sum + layer.content, 0) - waste);
  });
});
