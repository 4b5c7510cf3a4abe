import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import { type Digest, digestOf } from '../../src/image/digest.ts';
import { openSnapshotter } from '../../src/layers/open-snapshotter.ts';
import type { SnapshotCatalog, Snapshotter, SnapshotterKind } from '../../src/layers/snapshotter.ts';
import { makeTestRoots, mountsBelow, type TestRoots } from './support/roots.ts';

const racer = join(import.meta.dirname, 'processes', 'commit-in-turn.ts');
const crasher = join(import.meta.dirname, 'processes', 'prepare-and-wait.ts');

async function failure(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isHawserError(error)) return error.code;
    throw error;
  }
  throw new Error('must fail');
}

/** Every kind of snapshotter behaves like this; docs/layer-invariants.md cites the tests by their names. */
export function describeSnapshotter(kind: SnapshotterKind): void {
  describe(`layers/snapshotter ${kind}`, () => {
    let roots: TestRoots;
    let snapshotter: Snapshotter & SnapshotCatalog;
    const open = () => openSnapshotter({ root: roots.root, run: roots.run, kind });
    beforeEach(async () => {
      roots = makeTestRoots();
      snapshotter = await open();
    });
    afterEach(() => roots.remove());

    let count = 0;
    /** Commits what `write` does on top of `parent`; the name is a digest of nothing in particular. */
    async function commitTree(parent: Digest | undefined, write: (tree: string) => void): Promise<Digest> {
      const chainID = digestOf(`snapshot ${count++}`);
      const active = await snapshotter.prepare(`key-${count}`, parent);
      write(await active.mount());
      await snapshotter.commit(active, chainID);
      return chainID;
    }
    async function look<Result>(chainID: Digest, read: (tree: string) => Result): Promise<Result> {
      const active = await snapshotter.prepare(`look-${count++}`, chainID);
      try {
        return read(await active.mount());
      } finally {
        await active.discard();
      }
    }

    it('commits a tree under its chainID, and builds on it', async () => {
      const base = await commitTree(undefined, tree => {
        mkdirSync(`${tree}/etc`);
        writeFileSync(`${tree}/etc/a`, 'one');
        writeFileSync(`${tree}/etc/b`, 'two');
      });
      const child = await commitTree(base, tree => {
        writeFileSync(`${tree}/etc/a`, 'changed');
        rmSync(`${tree}/etc/b`);
        writeFileSync(`${tree}/etc/c`, 'new');
      });
      const read = (tree: string) =>
        readdirSync(`${tree}/etc`).map(name => [name, readFileSync(`${tree}/etc/${name}`, 'utf8')]);
      expect(await look(base, read)).to.deep.equal([
        ['a', 'one'],
        ['b', 'two'],
      ]);
      expect(await look(child, read)).to.deep.equal([
        ['a', 'changed'],
        ['c', 'new'],
      ]);
      expect((await snapshotter.stat(child))?.parent).to.equal(base);
      expect(await snapshotter.stat(digestOf('none'))).to.equal(undefined);
      expect(mountsBelow(roots.folder)).to.deep.equal([]);
    });

    it('shows a folder that was removed and made again without its old content', async () => {
      const base = await commitTree(undefined, tree => {
        mkdirSync(`${tree}/d/sub`, { recursive: true });
        writeFileSync(`${tree}/d/old`, '');
      });
      const child = await commitTree(base, tree => {
        rmSync(`${tree}/d`, { recursive: true });
        mkdirSync(`${tree}/d`);
        writeFileSync(`${tree}/d/new`, '');
      });
      expect(await look(child, tree => readdirSync(`${tree}/d`))).to.deep.equal(['new']);
    });

    it('keeps mode and owner of the root folder', async () => {
      const base = await commitTree(undefined, tree => {
        chmodSync(tree, 0o1711);
        chownSync(tree, 5, 6);
      });
      const child = await commitTree(base, tree => writeFileSync(`${tree}/x`, ''));
      const { mode, uid, gid } = await look(child, tree => lstatSync(tree));
      expect([mode & 0o7777, uid, gid]).to.deep.equal([0o1711, 5, 6]);
    });

    it('gives files of the parent with their nanosecond times', async () => {
      const base = await commitTree(undefined, tree => {
        writeFileSync(`${tree}/f`, '');
        utimesSync(`${tree}/f`, 0, 1234567890.123456);
      });
      const time = await look(base, tree => lstatSync(`${tree}/f`, { bigint: true }).mtimeNs);
      expect(time / 1000n).to.equal(1_234_567_890_123_456n);
    });

    it('renames a folder of the parent', async () => {
      const base = await commitTree(undefined, tree => {
        mkdirSync(`${tree}/d`);
        writeFileSync(`${tree}/d/f`, 'x');
      });
      const child = await commitTree(base, tree => {
        try {
          renameSync(`${tree}/d`, `${tree}/e`);
        } catch {
          // As overlayfs without redirect_dir says EXDEV, mv copies: so do we.
          mkdirSync(`${tree}/e`);
          writeFileSync(`${tree}/e/f`, readFileSync(`${tree}/d/f`));
          rmSync(`${tree}/d`, { recursive: true });
        }
      });
      expect(await look(child, tree => readdirSync(tree))).to.deep.equal(['e']);
    });

    it('stacks 130 layers', async () => {
      let top: Digest | undefined;
      for (let layer = 0; layer < 130; layer++) {
        top = await commitTree(top, tree => writeFileSync(`${tree}/f${layer}`, `${layer}`));
      }
      expect(await look(top as Digest, tree => readdirSync(tree).length)).to.equal(130);
      expect(await look(top as Digest, tree => readFileSync(`${tree}/f0`, 'utf8'))).to.equal('0');
    }).timeout(60_000);

    it('keeps the first of two snapshots with one chainID', async () => {
      const chainID = digestOf('the same');
      const [first, second] = [
        await snapshotter.prepare('a', undefined),
        await snapshotter.prepare('b', undefined),
      ];
      writeFileSync(join(await first.mount(), 'first'), '');
      writeFileSync(join(await second.mount(), 'second'), '');
      await snapshotter.commit(first, chainID);
      await snapshotter.commit(second, chainID);
      expect(await look(chainID, tree => readdirSync(tree))).to.deep.equal(['first']);
      expect(readdirSync(join(roots.root, kind, 'active'))).to.deep.equal([]);
    });

    it('refuses a key in use, a wrong key and an unknown parent', async () => {
      const active = await snapshotter.prepare('taken', undefined);
      expect(await failure(snapshotter.prepare('taken', undefined))).to.equal('ALREADY_EXISTS');
      expect(await failure(snapshotter.prepare('../x', undefined))).to.equal('INVALID_ARGUMENT');
      expect(await failure(snapshotter.prepare('x', digestOf('none')))).to.equal('SNAPSHOT_UNKNOWN');
      await active.discard();
      await active.discard();
      await (await snapshotter.prepare('taken', undefined)).discard();
    });

    it('removes a snapshot only when nothing stands on it', async () => {
      const base = await commitTree(undefined, tree => writeFileSync(`${tree}/f`, Buffer.alloc(10_000)));
      const child = await commitTree(base, tree => writeFileSync(`${tree}/g`, ''));
      const active = await snapshotter.prepare('active', child);
      const usage = new Map((await snapshotter.list()).map(info => [info.chainID, info]));
      expect(usage.get(base)?.size).to.be.at.least(10_000);
      expect([usage.get(base)?.users, usage.get(child)?.users]).to.deep.equal([1, 1]);
      expect(await failure(snapshotter.remove(base))).to.equal('CONFLICT');
      expect(await failure(snapshotter.remove(child))).to.equal('CONFLICT');
      await active.discard();
      expect(await snapshotter.remove(child)).to.equal(true);
      expect(await snapshotter.remove(child)).to.equal(false);
      expect(await snapshotter.remove(base)).to.equal(true);
      expect(await snapshotter.list()).to.deep.equal([]);
      expect(await snapshotter.stat(base)).to.equal(undefined);
    });

    it('finds what a lasting owner keeps, and mounts it again', async () => {
      const base = await commitTree(undefined, tree => writeFileSync(`${tree}/f`, ''));
      const active = await snapshotter.prepare('c1', base, { owner: 'container:c1' });
      writeFileSync(join(await active.mount(), 'g'), 'text');
      const other = await open();
      const found = await other.find('c1');
      expect(await found?.mount()).to.equal(await active.mount());
      await found?.unmount();
      expect(mountsBelow(roots.folder)).to.deep.equal([]);
      rmSync(join(roots.run, 'mounts'), { recursive: true }); // a reboot
      expect(readFileSync(join((await found?.mount()) as string, 'g'), 'utf8')).to.equal('text');
      await found?.discard();
      expect(await other.find('c1')).to.equal(undefined);
      expect(mountsBelow(roots.folder)).to.deep.equal([]);
    });

    it('removes snapshots that an earlier boot may have left half written', async () => {
      const base = await commitTree(undefined, tree => writeFileSync(`${tree}/f`, ''));
      const marks = join(roots.root, kind, 'unsynced');
      const [mark = ''] = readdirSync(marks);
      expect(await (await open()).stat(base)).not.to.equal(undefined);
      renameSync(join(marks, mark), join(marks, mark.replace(/^.*~/, 'earlier-boot~')));
      expect(await (await open()).stat(base)).to.equal(undefined);
      const later = await commitTree(undefined, tree => writeFileSync(`${tree}/f`, ''));
      for (const name of readdirSync(marks)) utimesSync(join(marks, name), 0, 0);
      expect(await (await open()).stat(later)).not.to.equal(undefined);
      expect(readdirSync(marks)).to.deep.equal([]);
    });

    it('lets three processes build the same stack at once', async () => {
      const layers = 20;
      const options = JSON.stringify({ root: roots.root, run: roots.run, kind, layers });
      const codes = await Promise.all(
        [1, 2, 3].map(async () => {
          const child = spawn(process.execPath, ['--import', 'tsx', racer, options], { stdio: 'inherit' });
          const [code] = (await once(child, 'exit')) as [number];
          return code;
        }),
      );
      expect(codes).to.deep.equal([0, 0, 0]);
      const top = digestOf(`raced ${layers - 1}`);
      expect(await look(top, tree => readdirSync(tree).length)).to.equal(layers);
      expect(await snapshotter.list()).to.have.length(layers);
      expect(readdirSync(join(roots.root, kind, 'active'))).to.deep.equal([]);
      expect(mountsBelow(roots.folder)).to.deep.equal([]);
    });

    it('cleans up after a killed process, and leaves what a living one has', async () => {
      const base = await commitTree(undefined, tree => writeFileSync(`${tree}/f`, ''));
      const mine = await snapshotter.prepare('mine', base);
      const tree = await mine.mount();
      const child = spawn(
        process.execPath,
        [
          '--import',
          'tsx',
          crasher,
          JSON.stringify({ root: roots.root, run: roots.run, kind, parent: base }),
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      const theirs = line.toString().trim();
      await open();
      expect(existsSync(theirs), 'of a living process').to.equal(true);
      child.kill('SIGKILL');
      await once(child, 'exit');
      await open();
      expect(existsSync(theirs), 'of a dead process').to.equal(false);
      expect(readFileSync(`${tree}/f`, 'utf8')).to.equal('');
      expect(readdirSync(join(roots.root, kind, 'active'))).to.have.length(1);
      await mine.discard();
      expect(mountsBelow(roots.folder)).to.deep.equal([]);
    });
  });
}
