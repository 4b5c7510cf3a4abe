import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { digestOf } from '../../src/image/digest.ts';
import { fsOps } from '../../src/layers/fs-ops.ts';
import { openSnapshotter } from '../../src/layers/open-snapshotter.ts';
import { makeTestRoots, type TestRoots } from './support/roots.ts';

const size = 4 * 1024 * 1024;

/** Mounts a btrfs of its own on `target`; false where the kernel has none or lends no loop device. */
function mountBtrfs(image: string, target: string): boolean {
  writeFileSync(image, '');
  truncateSync(image, 160 * 1024 * 1024);
  execFileSync('mkfs.btrfs', ['--quiet', image], { stdio: 'ignore' });
  mkdirSync(target);
  return spawnSync('mount', ['-o', 'loop', image, target]).status === 0;
}

function isShared(path: string): boolean {
  execFileSync('sync', [path]);
  return execFileSync('filefrag', ['-v', path], { encoding: 'utf8' }).includes('shared');
}

describe('layers/snapshotter copy, reflinks', () => {
  let roots: TestRoots;
  beforeEach(() => {
    roots = makeTestRoots();
  });
  afterEach(() => roots.remove());

  /** Commits a file and copies it for an active snapshot; a change of that must leave the committed one alone. */
  async function copyOnce(
    root: string,
  ): Promise<{ readonly shared: () => boolean; readonly change: () => Promise<void> }> {
    const snapshotter = await openSnapshotter({
      root: join(root, 'snapshots'),
      run: roots.run,
      kind: 'copy',
    });
    const content = randomBytes(size);
    const chainID = digestOf('base');
    const first = await snapshotter.prepare('first', undefined);
    const original = join(await first.mount(), 'file');
    writeFileSync(original, content);
    await snapshotter.commit(first, chainID);
    const copy = join(await (await snapshotter.prepare('second', chainID)).mount(), 'file');
    expect(readFileSync(copy).equals(content)).to.equal(true);
    return {
      shared: () => isShared(copy),
      async change() {
        appendFileSync(copy, 'more');
        const third = join(await (await snapshotter.prepare('third', chainID)).mount(), 'file');
        expect(readFileSync(third).equals(content)).to.equal(true);
      },
    };
  }

  it('shares blocks on btrfs; where none can be mounted, copies', async () => {
    const target = join(roots.folder, 'btrfs');
    const isMounted = mountBtrfs(join(roots.folder, 'image'), target);
    const { shared, change } = await copyOnce(target);
    if (isMounted) expect(shared()).to.equal(true);
    await change();
  });

  it('copies where the file system shares no blocks', async () => {
    const target = join(roots.folder, 'tmpfs');
    mkdirSync(target);
    fsOps.mount('tmpfs', target, { type: 'tmpfs', data: 'size=32m' });
    const { change } = await copyOnce(target);
    await change();
  });
});
