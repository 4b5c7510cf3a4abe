import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import { mediaTypes } from '../../src/image/media-types.ts';
import { mergeLayers } from '../../src/layers/merge-layers.ts';
import type { StackLayer } from '../../src/layers/unpack-image.ts';
import { type TarEntry, tarEntry } from '../../src/tar/entry.ts';
import { type TarItem, tarItem } from '../../src/tar/writer.ts';
import { byteString } from '../../src/util/byte-string.ts';
import { makeTestRoots } from './support/roots.ts';
import { applyStack, describeWhole, openTestStore, storeLayers } from './support/stack.ts';

const part = fc.constantFrom('a', 'b', 'c', 'ü');
const path = fc.array(part, { minLength: 1, maxLength: 3 }).map(parts => parts.join('/'));
const metadata = fc.record({
  mode: fc.constantFrom(0o644, 0o755, 0o4755, 0o2750, 0o1777),
  uid: fc.constantFrom(0, 7, 3_000_000),
  mtime: fc.record({
    seconds: fc.integer({ min: 1, max: 1_000_000_000 }),
    nanoseconds: fc.constantFrom(0, 1, 999_999_999),
  }),
  xattrs: fc.constantFrom(new Map(), new Map(), new Map([['user.x', Buffer.from('y\0')]])),
});

const of = (type: TarEntry['type'], name: string, fields: Partial<TarEntry> = {}): TarItem => ({
  entry: tarEntry({ type, name: byteString(name), ...fields }),
});
const plain = (fields: Partial<TarEntry>) => ({ ...fields, xattrs: new Map<string, Uint8Array>() });
const folderOf = (name: string) => name.slice(0, name.lastIndexOf('/') + 1);
const lastOf = (name: string) => name.slice(name.lastIndexOf('/') + 1);

const item: fc.Arbitrary<TarItem> = fc.oneof(
  fc
    .tuple(path, fc.string({ maxLength: 3 }), metadata)
    .map(([name, content, fields]) =>
      tarItem(of('file', name, fields as Partial<TarEntry>).entry, Buffer.from(content)),
    ),
  fc.tuple(path, metadata).map(([name, fields]) => of('directory', name, fields as Partial<TarEntry>)),
  fc.tuple(path, metadata).map(([name, fields]) => of('directory', name, fields as Partial<TarEntry>)),
  fc.tuple(path, path, metadata).map(([name, to, fields]) =>
    of('symlink', name, {
      ...plain(fields as Partial<TarEntry>),
      mode: 0o777,
      linkname: byteString(`/${to}`),
    }),
  ),
  fc.tuple(path, path).map(([name, to]) => of('link', name, { linkname: byteString(to) })),
  fc.tuple(path, path).map(([name, to]) => of('link', name, { linkname: byteString(to) })),
  fc
    .tuple(path, metadata)
    .map(([name, fields]) =>
      of('character-device', name, { ...plain(fields as Partial<TarEntry>), devmajor: 7 }),
    ),
  path.map(name => of('file', `${folderOf(name)}.wh.${lastOf(name)}`)),
  path.map(name => of('file', `${folderOf(name)}.wh.${lastOf(name)}`)),
  path.map(name => of('file', `${folderOf(name)}.wh..wh..opq`)),
  metadata.map(fields => of('directory', './', { ...(fields as Partial<TarEntry>), mode: 0o755 })),
);

/** Layers without the entries that cannot be applied: links to nothing, paths through files. */
async function appliedLayers(folder: string, layers: readonly (readonly TarItem[])[]) {
  const store = await openTestStore(folder);
  const kept: (readonly TarItem[])[] = [];
  for (const items of layers) {
    const good: TarItem[] = [];
    for (const next of items) {
      const stack = await storeLayers(store, [...kept, [...good, next]]);
      const top = stack.length - 1;
      const [byMerge, byApply] = await Promise.all([
        refusal(() => mergeLayers(store, stack, { range: { from: top, to: top } })),
        refusal(() => applyStack(store, stack, join(folder, 'try'))),
      ]);
      rmSync(join(folder, 'try'), { recursive: true, force: true });
      expect(byMerge).to.equal(byApply);
      if (byApply === undefined) good.push(next);
    }
    kept.push(good);
  }
  return { store, stack: await storeLayers(store, kept) };
}

/** The message of a refused entry, which memory and disk must give alike. */
async function refusal(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (isHawserError(error, 'LAYER_ENTRY_INVALID')) return error.message;
    throw error;
  }
}

describe('layers/merge: random layers', () => {
  it('gives the tree of the layers that it merged, whatever their range (M1)', async () => {
    const layer = fc.array(item, { maxLength: 7 });
    await fc.assert(
      fc.asyncProperty(fc.array(layer, { minLength: 3, maxLength: 4 }), async layers => {
        const roots = makeTestRoots();
        try {
          const { store, stack } = await appliedLayers(roots.folder, layers);
          await applyStack(store, stack, join(roots.folder, 'whole'));
          const whole = describeWhole(join(roots.folder, 'whole'));
          for (let from = 0; from < stack.length; from++) {
            for (let to = from; to < stack.length; to++) {
              const { diffID, size } = await mergeLayers(store, stack, { range: { from, to } });
              const descriptor = { mediaType: mediaTypes.ociLayer, digest: diffID, size };
              const merged: StackLayer = { descriptor, diffID };
              const root = join(roots.folder, `${from}-${to}`);
              await applyStack(store, [...stack.slice(0, from), merged, ...stack.slice(to + 1)], root);
              expect(describeWhole(root), `layers ${from} to ${to}`).to.deep.equal(whole);
            }
          }
        } finally {
          roots.remove();
        }
      }),
      { numRuns: Number(process.env.HAWSER_PROPERTY_RUNS ?? 25), timeout: 20_000 },
    );
  }).timeout(180_000);
});
