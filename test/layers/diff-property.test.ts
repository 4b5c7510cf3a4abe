import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { digestOf } from '../../src/image/digest.ts';
import { applyLayer } from '../../src/layers/apply.ts';
import { packSmallLayer, writeLayer } from '../../src/layers/diff-writer.ts';
import { openSnapshotter } from '../../src/layers/open-snapshotter.ts';
import type { SnapshotterKind } from '../../src/layers/snapshotter.ts';
import { gnuApply } from './support/gnu-apply.ts';
import { makeTestRoots, type TestRoots } from './support/roots.ts';
import { applyOps, describeTree, type TreeOp, testEpoch, treeOp } from './support/tree-ops.ts';

const options = { sourceDateEpoch: testEpoch, xattrs: 'user' } as const;

/** Layers and final trees of a base and of changes to it. */
async function layersOf(roots: TestRoots, kind: SnapshotterKind, steps: readonly (readonly TreeOp[])[]) {
  const snapshotter = await openSnapshotter({ root: roots.root, run: roots.run, kind });
  const layers: string[] = [];
  let tree: Record<string, unknown> = {};
  let parent: ReturnType<typeof digestOf> | undefined;
  for (const [index, ops] of steps.entries()) {
    const active = await snapshotter.prepare(`${kind}-${index}`, parent);
    const root = await active.mount();
    applyOps(root, ops);
    tree = describeTree(root);
    const path = join(roots.folder, `${kind}-${index}.tar`);
    const written = writeLayer(active.changes, path, options);
    const small = packSmallLayer(active.changes, options);
    expect(small?.digest ?? written.digest).to.equal(written.digest);
    expect(digestOf(readFileSync(path))).to.equal(written.digest);
    layers.push(path);
    parent = digestOf(`${kind} ${index}`);
    await snapshotter.commit(active, parent);
  }
  return { layers, tree };
}

function listing(archive: string): string {
  return execFileSync('tar', ['-tvf', archive, '--numeric-owner', '--full-time'], { encoding: 'latin1' });
}

describe('layers/diff: random trees', () => {
  it('apply(diff(a, b)) on a gives b, and both kinds of snapshots give the same layers (D1)', async () => {
    const ops = (maxLength: number) => fc.array(treeOp, { maxLength });
    await fc.assert(
      fc.asyncProperty(fc.tuple(ops(25), ops(15), ops(8)), async steps => {
        const roots = makeTestRoots();
        try {
          const overlay = await layersOf(roots, 'overlay', steps);
          const copy = await layersOf(roots, 'copy', steps);
          for (const [index, layer] of overlay.layers.entries()) {
            const other = copy.layers[index] as string;
            if (!readFileSync(layer).equals(readFileSync(other)))
              expect(listing(layer)).to.equal(listing(other));
            expect(digestOf(readFileSync(layer))).to.equal(digestOf(readFileSync(other)));
          }
          expect(overlay.tree).to.deep.equal(copy.tree);
          const rebuilt = join(roots.folder, 'rebuilt');
          mkdirSync(rebuilt);
          for (const layer of overlay.layers) await gnuApply(layer, rebuilt);
          expect(describeTree(rebuilt)).to.deep.equal(overlay.tree);
          const applied = join(roots.folder, 'applied');
          mkdirSync(applied);
          for (const path of overlay.layers) {
            await applyLayer({ path, compression: 'uncompressed' }, applied, { whiteouts: 'remove' });
          }
          expect(describeTree(applied)).to.deep.equal(overlay.tree);
        } finally {
          roots.remove();
        }
      }),
      { numRuns: Number(process.env.HAWSER_PROPERTY_RUNS ?? 60), timeout: 10_000 },
    );
  }).timeout(120_000);
});
