import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import { digestOf } from '../../src/image/digest.ts';
import { diffTree } from '../../src/layers/diff-tree.ts';
import { writeLayer } from '../../src/layers/diff-writer.ts';
import { fsOps } from '../../src/layers/fs-ops.ts';
import { openSnapshotter } from '../../src/layers/open-snapshotter.ts';
import type { ActiveSnapshot, SnapshotterKind } from '../../src/layers/snapshotter.ts';
import { makeTestRoots, type TestRoots } from './support/roots.ts';

type Work = (tree: string) => void | Promise<void>;

/** What an entry says beyond its name, in a short form. */
function lines(active: ActiveSnapshot): string[] {
  return [...diffTree(active.changes, { sourceDateEpoch: 50 })].map(({ entry }) => {
    const link = entry.linkname === '' ? '' : ` -> ${entry.linkname}`;
    const mode = entry.mode.toString(8);
    return `${entry.type} ${entry.name}${link} ${mode} ${entry.size} @${entry.mtime.seconds}`;
  });
}

const file = (path: string, content = 'x') => {
  writeFileSync(path, content);
  utimesSync(path, 10, 10.5);
};

/** docs/layer-invariants.md: the number, the base, the change, and the layer's entries. */
const cases: readonly (readonly [name: string, base: Work, change: Work, layer: readonly string[]])[] = [
  ['D2: an unchanged tree gives an empty layer', t => mkdirSync(`${t}/d`), () => undefined, []],
  [
    'D3: a removed file is a whiteout of 1970, below its folder',
    t => {
      mkdirSync(`${t}/d`);
      file(`${t}/d/f`);
    },
    t => rmSync(`${t}/d/f`),
    ['directory d 755 0 @50', 'file d/.wh.f 0 0 @0'],
  ],
  [
    'D3: what is made and removed in one step leaves no whiteout',
    t => mkdirSync(`${t}/d`),
    t => {
      file(`${t}/d/tmp`);
      rmSync(`${t}/d/tmp`);
    },
    [],
  ],
  [
    'D4: a folder removed and made again has a whiteout for each old child, none for what is as before',
    t => {
      mkdirSync(`${t}/d/old`, { recursive: true });
      file(`${t}/d/gone`);
      file(`${t}/d/same`);
      file(`${t}/d/kept`);
    },
    t => {
      rmSync(`${t}/d`, { recursive: true });
      mkdirSync(`${t}/d`);
      file(`${t}/d/same`);
      file(`${t}/d/kept`, 'yz');
      file(`${t}/d/new`);
    },
    [
      'directory d 755 0 @50',
      'file d/.wh.gone 0 0 @0',
      'file d/kept 644 2 @10',
      'file d/new 644 1 @10',
      'file d/.wh.old 0 0 @0',
    ],
  ],
  [
    'D5: a folder becomes a symlink, a symlink a folder, each as one entry',
    t => {
      mkdirSync(`${t}/d/sub`, { recursive: true });
      symlinkSync('d', `${t}/l`);
    },
    t => {
      rmSync(`${t}/d`, { recursive: true });
      symlinkSync('elsewhere', `${t}/d`);
      fsOps.utimensat(`${t}/d`, { seconds: 5, nanoseconds: 0 });
      rmSync(`${t}/l`);
      mkdirSync(`${t}/l`);
    },
    ['symlink d -> elsewhere 777 0 @5', 'directory l 755 0 @50'],
  ],
  [
    'D6: parents come with what is in them; a folder whose time alone changed does not',
    t => {
      mkdirSync(`${t}/a/b`, { recursive: true });
      mkdirSync(`${t}/touched`);
    },
    t => {
      file(`${t}/a/b/f`);
      utimesSync(`${t}/touched`, 1, 1);
    },
    ['directory a 755 0 @50', 'directory a/b 755 0 @50', 'file a/b/f 644 1 @10'],
  ],
  [
    'D6: a folder whose mode changed comes without what is in it',
    t => {
      mkdirSync(`${t}/d`);
      file(`${t}/d/f`);
    },
    t => chmodSync(`${t}/d`, 0o700),
    ['directory d 700 0 @50'],
  ],
  [
    'D7: names of one new file are hard links to the first',
    () => undefined,
    t => {
      file(`${t}/b`);
      linkSync(`${t}/b`, `${t}/a`);
      linkSync(`${t}/b`, `${t}/c`);
    },
    ['file a 644 1 @10', 'link b -> a 644 0 @10', 'link c -> a 644 0 @10'],
  ],
  [
    'D7: a write through one name of a linked file of the base leaves the other name alone',
    t => {
      file(`${t}/a`);
      linkSync(`${t}/a`, `${t}/b`);
    },
    t => chmodSync(`${t}/b`, 0o600),
    ['file b 600 1 @10'],
  ],
  [
    'D7: a new link to a file of the base is a copy',
    t => file(`${t}/a`),
    t => linkSync(`${t}/a`, `${t}/b`),
    ['file b 644 1 @10'],
  ],
  [
    'D8: the same content with a new time is a change',
    t => file(`${t}/f`),
    t => {
      writeFileSync(`${t}/f`, 'x');
      utimesSync(`${t}/f`, 11, 11);
    },
    ['file f 644 1 @11'],
  ],
  [
    'D8: a file moved away and back is no change',
    t => file(`${t}/f`),
    t => {
      renameSync(`${t}/f`, `${t}/g`);
      renameSync(`${t}/g`, `${t}/f`);
    },
    [],
  ],
  [
    'D8: with times of whole seconds, the content decides',
    t => {
      for (const name of ['same', 'other']) file(`${t}/${name}`, 'one');
      for (const name of ['same', 'other']) utimesSync(`${t}/${name}`, 10, 10);
    },
    t => {
      writeFileSync(`${t}/same`, 'one');
      writeFileSync(`${t}/other`, 'two');
      for (const name of ['same', 'other']) utimesSync(`${t}/${name}`, 10, 10);
    },
    ['file other 644 3 @10'],
  ],
  [
    'D9: sockets are left out, and what stood there before is gone',
    t => {
      mkdirSync(`${t}/run`);
      file(`${t}/run/s`);
    },
    async t => {
      rmSync(`${t}/run/s`);
      for (const name of ['s', 'new']) {
        const server = createServer();
        await new Promise<void>(resolve => server.listen(`${t}/run/${name}`, resolve));
        renameSync(`${t}/run/${name}`, `${t}/run/${name}.kept`);
        await new Promise(resolve => server.close(resolve));
        renameSync(`${t}/run/${name}.kept`, `${t}/run/${name}`);
        expect(lstatSync(`${t}/run/${name}`).isSocket()).to.equal(true);
      }
    },
    ['directory run 755 0 @50', 'file run/.wh.s 0 0 @0'],
  ],
  [
    'D9: devices and FIFOs, setuid and sticky bits',
    () => undefined,
    t => {
      fsOps.mknod(`${t}/c`, { type: 'character-device', mode: 0o600, major: 5, minor: 1 });
      fsOps.mkfifo(`${t}/p`, 0o600);
      file(`${t}/s`);
      chmodSync(`${t}/s`, 0o6711);
      for (const name of ['c', 'p']) fsOps.utimensat(`${t}/${name}`, { seconds: 1, nanoseconds: 0 });
    },
    ['character-device c 600 0 @1', 'fifo p 600 0 @1', 'file s 6711 1 @10'],
  ],
  [
    'D11: times are cut to seconds, and newer ones than SOURCE_DATE_EPOCH become that',
    () => undefined,
    t => {
      file(`${t}/a`);
      fsOps.utimensat(`${t}/a`, { seconds: -2, nanoseconds: 999_999_999 });
      file(`${t}/b`);
      fsOps.utimensat(`${t}/b`, { seconds: 49, nanoseconds: 999_999_999 });
      file(`${t}/c`);
      utimesSync(`${t}/c`, 51, 51);
    },
    ['file a 644 1 @-2', 'file b 644 1 @49', 'file c 644 1 @50'],
  ],
];

for (const kind of ['overlay', 'copy'] as const satisfies readonly SnapshotterKind[]) {
  describe(`layers/diff ${kind}`, () => {
    let roots: TestRoots;
    beforeEach(() => {
      roots = makeTestRoots();
    });
    afterEach(() => roots.remove());

    async function changed(base: Work, change: Work): Promise<ActiveSnapshot> {
      const snapshotter = await openSnapshotter({ root: roots.root, run: roots.run, kind });
      const below = await snapshotter.prepare('base', undefined);
      await base(await below.mount());
      await snapshotter.commit(below, digestOf('base'));
      const active = await snapshotter.prepare('change', digestOf('base'));
      await change(await active.mount());
      return active;
    }

    for (const [name, base, change, layer] of cases) {
      it(name, async () => expect(lines(await changed(base, change))).to.deep.equal(layer));
    }

    if (kind === 'overlay') {
      it('D8: other content of one size, written within one tick of the clock, is a change', async () => {
        const active = await changed(
          tree => file(`${tree}/f`, 'one'),
          tree => file(`${tree}/f`, 'two'),
        );
        expect(lines(active)).to.deep.equal(['file f 644 3 @10']);
      });
    }

    it('D10: carries file capabilities; other attributes only when asked', async () => {
      const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
      const active = await changed(
        () => undefined,
        tree => {
          file(`${tree}/f`);
          fsOps.lsetxattr(`${tree}/f`, 'user.a', Buffer.from('b'));
          fsOps.lsetxattr(`${tree}/f`, 'trusted.a', Buffer.from('b'));
          fsOps.lsetxattr(`${tree}/f`, 'security.capability', capability);
        },
      );
      const [plain] = diffTree(active.changes);
      expect([...(plain?.entry.xattrs ?? [])]).to.deep.equal([['security.capability', capability]]);
      const [all] = diffTree(active.changes, { xattrs: 'user' });
      expect([...(all?.entry.xattrs.keys() ?? [])]).to.deep.equal(['security.capability', 'user.a']);
    });

    it('D12: refuses a name that would read as a whiteout, and leaves no file', async () => {
      const active = await changed(
        () => undefined,
        tree => file(`${tree}/.wh.f`),
      );
      const path = join(roots.folder, 'layer.tar');
      try {
        writeLayer(active.changes, path, {});
        expect.fail('must throw');
      } catch (error) {
        if (!isHawserError(error, 'LAYER_INVALID')) throw error;
        expect(error.message).to.include('"/.wh.f"');
      }
      expect(lstatSync(path, { throwIfNoEntry: false })).to.equal(undefined);
    });

    it('gives bytes that GNU tar, bsdtar and Python read alike', async () => {
      const active = await changed(
        () => undefined,
        tree => {
          mkdirSync(`${tree}/${'long'.repeat(40)}/ünicode`, { recursive: true });
          file(`${tree}/${'long'.repeat(40)}/ünicode/f`, 'z'.repeat(3_000_000));
        },
      );
      const path = join(roots.folder, 'layer.tar');
      const { digest, size } = writeLayer(active.changes, path, { sourceDateEpoch: 50 });
      const folder = 'long'.repeat(40);
      const names = [`${folder}/`, `${folder}/ünicode/`, `${folder}/ünicode/f`];
      const list = (command: string, ...args: string[]) =>
        execFileSync(command, args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } })
          .trim()
          .split('\n');
      expect(list('tar', '--quoting-style=literal', '-tf', path)).to.deep.equal(names);
      if (spawnSync('bsdtar', ['--version']).status === 0) {
        expect(list('bsdtar', '-tf', path)).to.deep.equal(names);
      }
      const script = 'import sys,tarfile\nfor m in tarfile.open(sys.argv[1]): print(m.name+"/"*m.isdir())';
      expect(list('python3', '-c', script, path)).to.deep.equal(names);
      expect(size % 512).to.equal(0);
      expect(digest).to.equal(writeLayer(active.changes, `${path}2`, { sourceDateEpoch: 50 }).digest);
    });
  });
}
