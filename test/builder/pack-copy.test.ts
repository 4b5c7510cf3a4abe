import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { expect } from 'chai';
import type { CopyTarget } from '../../src/builder/execute/copy/copy-entries.ts';
import { copyInto } from '../../src/builder/execute/copy/copy-into.ts';
import type { CopySource } from '../../src/builder/execute/copy/copy-source.ts';
import { writeLayer } from '../../src/layers/diff-writer.ts';
import { fsOps } from '../../src/layers/fs-ops.ts';
import { openSnapshotter } from '../../src/layers/open-snapshotter.ts';
import { BuildSandbox } from './support.ts';

interface Case {
  /** Makes the parent. */
  readonly base?: (root: string) => void;
  readonly change?: (context: string) => void;
  readonly path: string;
  readonly target?: Omit<CopyTarget, 'root' | 'path'>;
  readonly ignore?: string;
  readonly excludes?: readonly string[];
  /** Only comparing tells. */
  readonly compared?: true;
}

/** cap_net_raw+ep */
const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
const big = Buffer.alloc(300_000, 'b');

function fill(folder: string): void {
  for (const name of ['d', 'd/e', 'd.x', 'empty']) mkdirSync(`${folder}/${name}`, { recursive: true });
  for (const name of ['a', 'd/b', 'd/e/c', 'd.x/f', 'd-', '\u00e9']) writeFileSync(`${folder}/${name}`, name);
  writeFileSync(`${folder}/none`, '');
  writeFileSync(`${folder}/big`, big);
  chmodSync(`${folder}/a`, 0o4755);
  chmodSync(`${folder}/d/e`, 0o1700);
  linkSync(`${folder}/d/b`, `${folder}/z`);
  linkSync(`${folder}/d/b`, `${folder}/b`);
  symlinkSync('nowhere', `${folder}/l`);
  lutimesSync(`${folder}/l`, 5, 5.5);
  utimesSync(`${folder}/d`, 7, 7.25);
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff])]), 'x');
}

const cases: Readonly<Record<string, Case>> = {
  'into a folder that is not there': { path: '/t' },
  'into one below others that are not there': { path: '/x/y/z/' },
  'into one below others that are there': {
    base: root => mkdirSync(`${root}/x/y`, { recursive: true, mode: 0o750 }),
    path: '/x/y/z',
  },
  'into an empty one': { base: root => mkdirSync(`${root}/app`, { mode: 0o701 }), path: '/app' },
  'through a link': {
    base: root => {
      mkdirSync(`${root}/usr/bin`, { recursive: true });
      symlinkSync('usr/bin', `${root}/bin`);
    },
    path: '/bin',
  },
  'with an owner, a mode and a latest time': {
    path: '/t',
    target: { owner: { uid: 12, gid: 3_000_000 }, mode: { octal: 0o640 }, time: 6_000 },
  },
  'without what is hidden': { path: '/t', ignore: 'tree/d/*\n!tree/d/e/c\ntree/b\n' },
  'without what is excluded': { path: '/t', excludes: ['d/e', 'z'] },
  'with a capability': {
    change: context => fsOps.lsetxattr(`${context}/tree/big`, 'security.capability', capability),
    path: '/t',
  },
  'with a pipe': {
    change: context => execFileSync('mkfifo', [`${context}/tree/pipe`]),
    path: '/t',
    compared: true,
  },
  'into a folder that holds something': {
    base: root => {
      mkdirSync(`${root}/t`);
      writeFileSync(`${root}/t/a`, '');
    },
    path: '/t',
    compared: true,
  },
  'into the root': { path: '/', compared: true },
};

describe('a layer that is made while a folder is copied', () => {
  let sandbox: BuildSandbox;
  beforeEach(async () => {
    sandbox = await BuildSandbox.open();
  });
  afterEach(() => sandbox.close());

  for (const [name, { base, change, path, target, ignore, excludes = [], compared }] of Object.entries(
    cases,
  )) {
    it(`${name}: ${compared === true ? 'is left to the comparing' : 'is what comparing gives'}`, async () => {
      const context = sandbox.context({ 'tree/.keep': '' });
      fill(`${context}/tree`);
      change?.(context);
      const run = sandbox.path('run');
      const snapshotter = await openSnapshotter({ root: sandbox.path('snapshots'), run });
      const below = await snapshotter.prepare('base', undefined);
      base?.(await below.mount());
      const parent = `sha256:${'0'.repeat(64)}` as Parameters<typeof snapshotter.commit>[1];
      await snapshotter.commit(below, parent);
      const active = await snapshotter.prepare('copy', parent);
      const root = await active.mount();
      const tree = {
        root: context,
        owners: 'root' as const,
        ...(ignore === undefined ? {} : { ignore: { file: '.dockerignore', text: ignore } }),
      };
      const source: CopySource = {
        kind: 'tree',
        tree,
        query: { path: '/tree', excludes },
        unpack: false,
        watch: true,
      };
      const archive = sandbox.path('packed.tar');
      const latest = target?.time === undefined ? undefined : target.time / 1000;
      try {
        const job = { sources: [source], target: { root, path, ...target } };
        const options = {
          entries: Number.POSITIVE_INFINITY,
          size: 0,
          signal: new AbortController().signal,
          newFile: async () => archive,
          latest,
        };
        // First without the files, where that can be; then with them.
        const alone = compared === true ? undefined : await copyInto(job, { ...options, unread: true });
        rmSync(archive, { force: true });
        const { packed } = await copyInto(job, options);
        const diff = writeLayer(active.changes, sandbox.path('diff.tar'), { sourceDateEpoch: latest });
        if (compared === true) expect(existsSync(archive)).to.equal(false);
        else expect(packed?.layer).to.deep.equal(diff);
        if (alone !== undefined) {
          expect(alone.packed?.isAlone).to.equal(true);
          const { size, entries } = diff;
          expect(alone.packed?.layer).to.include({ size, entries });
          // The folder's own time apart, which is the moment of the copy.
          if (latest !== undefined) expect(alone.packed?.layer).to.deep.equal(diff);
        }
      } finally {
        await active.discard();
      }
    });
  }
});
