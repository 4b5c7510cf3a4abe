import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import { applyLayer } from '../../src/layers/apply.ts';
import { fsOps } from '../../src/layers/fs-ops.ts';
import { tarEntry } from '../../src/tar/entry.ts';
import type { TarItem } from '../../src/tar/writer.ts';
import { tarItem } from '../../src/tar/writer.ts';
import { byteStringOf } from '../../src/util/byte-string.ts';
import { device, file, folder, Ground, hardlink, symlink } from './apply-support.ts';

interface Case {
  readonly title: string;
  readonly layers: readonly (readonly TarItem[])[];
  readonly tree: Readonly<Record<string, string>>;
}

/** Layers one on the other, and the tree that they make. The names are those of docs/layer-invariants.md. */
const cases: readonly Case[] = [
  {
    title: 'A1 a whiteout takes away a file and a folder of lower layers',
    layers: [
      [file('f'), folder('d'), file('d/x'), file('keep')],
      [file('.wh.f', ''), file('.wh.d', '')],
    ],
    tree: { keep: 'keep' },
  },
  {
    title: 'A1 a whiteout of nothing, and one in a folder that is not there, do nothing',
    layers: [[file('keep')], [file('.wh.none', ''), file('no/such/.wh.folder', '')]],
    tree: { keep: 'keep' },
  },
  {
    title: 'A2 a whiteout does not hide what its own layer has put there, before or after it',
    layers: [
      [file('a', 'old'), folder('d'), file('d/old'), file('b', 'old')],
      [
        file('a', 'new'),
        file('.wh.a', ''),
        folder('d'),
        file('d/new'),
        file('.wh.d', ''),
        file('.wh.b', ''),
        file('b', 'new'),
      ],
    ],
    tree: { a: 'new', b: 'new', 'd/': '', 'd/new': 'd/new' },
  },
  {
    title: 'A3 an opaque mark hides lower children only, also behind siblings of its layer',
    layers: [
      [folder('d'), file('d/old'), folder('d/sub'), file('d/sub/old'), file('keep')],
      [folder('d'), file('d/new'), folder('d/sub'), file('d/sub/new'), file('d/.wh..wh..opq', '')],
    ],
    tree: { 'd/': '', 'd/new': 'd/new', 'd/sub/': '', 'd/sub/new': 'd/sub/new', keep: 'keep' },
  },
  {
    title: 'A3 an opaque mark in front of its siblings',
    layers: [
      [folder('d'), file('d/old'), folder('d/sub'), file('d/sub/old')],
      [folder('d'), file('d/.wh..wh..opq', ''), file('d/new'), folder('d/sub')],
    ],
    tree: { 'd/': '', 'd/new': 'd/new', 'd/sub/': '' },
  },
  {
    title: 'A3 an opaque mark of the root',
    layers: [
      [file('old'), folder('d'), file('d/old')],
      [file('.wh..wh..opq', ''), file('new')],
    ],
    tree: { new: 'new' },
  },
  {
    title: 'A4 marks of aufs are passed over',
    layers: [[file('.wh..wh.aufs', ''), folder('.wh..wh.plnk'), file('.wh..wh.plnk/1.2', ''), file('a')]],
    tree: { a: 'a' },
  },
  {
    title: 'A5 a folder takes the place of a file, a symlink and a FIFO',
    layers: [
      [file('a'), symlink('b', 'a'), device('c', { type: 'fifo' })],
      [folder('a'), file('a/x'), folder('b'), file('b/x'), folder('c')],
    ],
    tree: { 'a/': '', 'a/x': 'a/x', 'b/': '', 'b/x': 'b/x', 'c/': '' },
  },
  {
    title: 'A5 a file and a symlink take the place of a folder',
    layers: [
      [folder('a'), file('a/x'), folder('b'), file('b/x'), folder('c')],
      [file('a', 'new'), symlink('b', 'c'), file('b/y')],
    ],
    tree: { a: 'new', b: '-> c', 'c/': '', 'c/y': 'b/y' },
  },
  {
    title: 'A5 a folder entry for a folder keeps what is in it',
    layers: [[folder('d'), file('d/x')], [folder('d', { mode: 0o700 })]],
    tree: { 'd/': '', 'd/x': 'd/x' },
  },
  {
    title: 'A5 a symlink to a folder, replaced by a folder entry, is no longer followed',
    layers: [
      [folder('d'), symlink('l', 'd')],
      [folder('l'), file('l/x')],
    ],
    tree: { 'd/': '', 'l/': '', 'l/x': 'l/x' },
  },
  {
    title: 'A6 entries go through symlinks of lower layers, inside the root',
    layers: [
      [
        folder('usr'),
        folder('usr/bin'),
        symlink('bin', 'usr/bin'),
        symlink('sbin', '/usr/sbin'),
        symlink('up', '../../../usr'),
      ],
      [file('bin/sh'), file('sbin/init'), file('up/x')],
    ],
    tree: {
      bin: '-> usr/bin',
      sbin: '-> /usr/sbin',
      up: '-> ../../../usr',
      'usr/': '',
      'usr/bin/': '',
      'usr/bin/sh': 'bin/sh',
      'usr/sbin/': '',
      'usr/sbin/init': 'sbin/init',
      'usr/x': 'up/x',
    },
  },
  {
    title: 'A6 a whiteout goes through a symlink as well',
    layers: [[folder('usr'), file('usr/x'), symlink('l', '/usr')], [file('l/.wh.x', '')]],
    tree: { l: '-> /usr', 'usr/': '' },
  },
  {
    title: 'A7 hard links within and across layers, to a symlink itself too',
    layers: [
      [file('a', 'one'), hardlink('b', 'a'), symlink('s', 'a')],
      [hardlink('c', '/a'), hardlink('t', './s')],
    ],
    tree: { a: 'one', b: 'one', c: 'one', s: '-> a', t: '-> a' },
  },
  {
    title: 'A7 a hard link to itself changes nothing',
    layers: [[file('a', 'one'), hardlink('a', 'a')]],
    tree: { a: 'one' },
  },
  {
    title: 'A8 absolute names, ./ and // count from the root',
    layers: [[file('/abs/x'), file('./rel'), file('a//b/./c'), folder('./')]],
    tree: { 'a/': '', 'a/b/': '', 'a/b/c': 'a//b/./c', 'abs/': '', 'abs/x': '/abs/x', rel: './rel' },
  },
  {
    title: 'A8 names that begin with dots are names',
    layers: [[file('..x'), file('...'), file('.hidden/..y')]],
    tree: { '...': '...', '..x': '..x', '.hidden/': '', '.hidden/..y': '.hidden/..y' },
  },
];

describe('layers/apply', () => {
  let ground: Ground;
  beforeEach(() => {
    ground = new Ground();
  });
  afterEach(() => ground.remove());

  for (const { title, layers, tree } of cases) {
    it(title, async () => {
      for (const layer of layers) await ground.apply(layer);
      expect(ground.tree()).to.deep.equal(tree);
    });
  }

  it('A9 sets the mode after the owner, and nothing depends on the umask', async () => {
    const before = process.umask(0o077);
    try {
      await ground.apply([
        file('suid', '', { mode: 0o6755, uid: 1000, gid: 1001 }),
        folder('sticky', { mode: 0o3777, uid: 5, gid: 3_000_000 }),
        file('missing/parent'),
        symlink('link', 'x', { uid: 7, gid: 8 }),
      ]);
    } finally {
      process.umask(before);
    }
    const suid = statSync(join(ground.root, 'suid'));
    expect([suid.mode & 0o7777, suid.uid, suid.gid]).to.deep.equal([0o6755, 1000, 1001]);
    const sticky = statSync(join(ground.root, 'sticky'));
    expect([sticky.mode & 0o7777, sticky.uid, sticky.gid]).to.deep.equal([0o3777, 5, 3_000_000]);
    expect(statSync(join(ground.root, 'missing')).mode & 0o7777).to.equal(0o755);
    expect(lstatSync(join(ground.root, 'link')).uid).to.equal(7);
  });

  it('A9 gives each file its own group and mode in folders that hand down theirs, also when a folder changes midway', async () => {
    const wanted = (name: string) =>
      `${name} ${(statSync(join(ground.root, name)).mode & 0o7777).toString(8)}`;
    await ground.apply([
      folder('d', { mode: 0o755 }),
      file('d/1'),
      file('d/2', '', { gid: 9 }),
      file('d/3', '', { mode: 0o666 }),
      folder('d', { mode: 0o2755, gid: 1001 }),
      file('d/4'),
      file('d/5', '', { gid: 1001 }),
      folder('d', { mode: 0o755 }),
      file('d/6', '', { gid: 9, mode: 0o4711 }),
      file('d/7', '', { mode: 0o7 }),
    ]);
    const names = ['1', '2', '3', '4', '5', '6', '7'].map(name => `d/${name}`);
    expect(names.map(wanted)).to.deep.equal([
      'd/1 644',
      'd/2 644',
      'd/3 666',
      'd/4 644',
      'd/5 644',
      'd/6 4711',
      'd/7 7',
    ]);
    expect(names.map(name => statSync(join(ground.root, name)).gid)).to.deep.equal([0, 9, 0, 0, 1001, 9, 0]);
  });

  it('A10 keeps nanoseconds, of files, symlinks and folders that got children later', async () => {
    const mtime = { seconds: 1_000_000_000, nanoseconds: 123_456_789 };
    const early = { seconds: -1000, nanoseconds: 1 };
    await ground.apply([
      folder('d', { mtime }),
      file('d/f', 'x', { mtime }),
      symlink('d/s', 'f', { mtime }),
      folder('d/e', { mtime: early }),
      file('d/e/x'),
      folder('.', { mtime }),
    ]);
    for (const name of ['d', 'd/f', 'd/s', '.']) {
      const { mtimeNs } = lstatSync(join(ground.root, name), { bigint: true });
      expect(mtimeNs, name).to.equal(1_000_000_000_123_456_789n);
    }
    expect(lstatSync(join(ground.root, 'd/e'), { bigint: true }).mtimeNs).to.equal(-999_999_999_999n);
  });

  it('A10 keeps the time of a folder that the layer has no entry for', async () => {
    mkdirSync(join(ground.root, 'd'));
    writeFileSync(join(ground.root, 'd/old'), '');
    utimesSync(join(ground.root, 'd'), 1000, 1000);
    await ground.apply([file('d/made/x'), file('d/new'), file('d/.wh.old', '')]);
    expect(readdirSync(join(ground.root, 'd'))).to.deep.equal(['made', 'new']);
    expect(statSync(join(ground.root, 'd')).mtimeMs).to.equal(1_000_000);
  });

  it('A11 sets attributes after the owner, file capabilities too; a folder loses those of lower layers', async function () {
    const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
    const xattrs = new Map([
      ['security.capability', capability],
      ['user.x', Buffer.from([0, 255])],
    ]);
    await ground
      .apply([
        file('ping', 'x', { uid: 5, mode: 0o755, xattrs }),
        folder('d', { xattrs: new Map([['user.old', Buffer.from('1')]]) }),
      ])
      .catch((error: unknown) => {
        if (isHawserError(error, 'INTERNAL') || isHawserError(error, 'PERMISSION_DENIED')) this.skip();
        throw error;
      });
    await ground.apply([folder('d', { xattrs: new Map([['user.new', Buffer.from('2')]]) })]);
    const ping = join(ground.root, 'ping');
    expect(fsOps.lgetxattr(ping, 'security.capability')?.equals(capability)).to.equal(true);
    const names = fsOps.llistxattr(join(ground.root, 'd'));
    if (fsOps.llistxattr(ping).includes('user.x')) expect(names).to.deep.equal(['user.new']);
  });

  it('A11 leaves out attributes that steer overlayfs', async () => {
    const xattrs = new Map([
      ['trusted.overlay.redirect', Buffer.from('/etc')],
      ['trusted.overlay.opaque', Buffer.from('y')],
    ]);
    await ground.apply([folder('d', { xattrs })]);
    expect(fsOps.llistxattr(join(ground.root, 'd'))).to.deep.equal([]);
  });

  it('A12 makes devices and FIFOs', async function () {
    await ground
      .apply([
        device('null', { type: 'character-device', devmajor: 1, devminor: 3, mode: 0o666 }),
        device('loop', { type: 'block-device', devmajor: 7, devminor: 300 }),
        device('fifo', { type: 'fifo', mode: 0o622 }),
      ])
      .catch((error: unknown) => {
        if (isHawserError(error, 'PERMISSION_DENIED')) this.skip();
        throw error;
      });
    const stat = lstatSync(join(ground.root, 'null'));
    expect([stat.isCharacterDevice(), stat.rdev, stat.mode & 0o777]).to.deep.equal([true, 0x103, 0o666]);
    expect(lstatSync(join(ground.root, 'loop')).isBlockDevice()).to.equal(true);
    expect(lstatSync(join(ground.root, 'fifo')).isFIFO()).to.equal(true);
  });

  it('A13 takes names that are not UTF-8, and long ones', async () => {
    const name = byteStringOf(Buffer.from('d/\xff\xfe', 'latin1'));
    const long = `${'l'.repeat(250)}/${'m'.repeat(250)}/n`;
    await ground.apply([tarItem(tarEntry({ type: 'file', name }), Buffer.from('bytes')), file(long, 'long')]);
    expect(readdirSync(join(ground.root, 'd'), { encoding: 'latin1' })).to.deep.equal(['\xff\xfe']);
    expect(readFileSync(join(ground.root, long), 'utf8')).to.equal('long');
  });

  it('A14 a file that a layer replaces is a new one: its other names keep the old content', async () => {
    writeFileSync(join(ground.root, 'a'), 'old');
    linkSync(join(ground.root, 'a'), join(ground.root, 'b'));
    await ground.apply([file('a', 'new')]);
    expect(ground.tree()).to.deep.equal({ a: 'new', b: 'old' });
  });

  it("A15 in an upper folder whiteouts become overlayfs's marks", async function () {
    await ground
      .apply(
        [
          file('.wh.gone', ''),
          folder('d'),
          file('d/.wh..wh..opq', ''),
          file('.wh.e', ''),
          folder('e'),
          file('d/x'),
        ],
        {
          whiteouts: 'overlay',
        },
      )
      .catch((error: unknown) => {
        if (isHawserError(error, 'PERMISSION_DENIED')) this.skip();
        throw error;
      });
    const gone = lstatSync(join(ground.root, 'gone'));
    expect([gone.isCharacterDevice(), gone.rdev]).to.deep.equal([true, 0]);
    for (const name of ['d', 'e']) {
      expect(fsOps.lgetxattr(join(ground.root, name), 'trusted.overlay.opaque')?.toString()).to.equal('y');
    }
  });

  it('applies in a thread, says what it did, and ends when it is told to', async () => {
    await ground.apply([file('a', 'content')]);
    const source = { path: join(ground.folder, 'layer.tar'), compression: 'uncompressed' } as const;
    const applied = await applyLayer(source, ground.root, { whiteouts: 'remove' });
    expect(applied).to.include({ entries: 1, size: 2048, skipped: 0 });
    const wrong = `sha256:${'0'.repeat(64)}` as typeof applied.diffID;
    const failure = await applyLayer(source, ground.root, { whiteouts: 'remove', diffID: wrong }).catch(
      (error: unknown) => error,
    );
    expect(failure).to.have.property('code', 'DIGEST_INVALID');
    const large = await ground.apply([file('large', 'x'.repeat(17_000_000))]);
    const apart = await applyLayer(source, ground.root, { whiteouts: 'remove', diffID: large.diffID });
    expect(apart).to.deep.equal(large);
    const mismatch = await applyLayer(source, ground.root, { whiteouts: 'remove', diffID: wrong }).catch(
      (error: unknown) => error,
    );
    expect(mismatch).to.have.property('code', 'DIGEST_INVALID');
    const aborted = await applyLayer(source, ground.root, {
      whiteouts: 'remove',
      signal: AbortSignal.abort(),
    }).catch((error: unknown) => error);
    expect(aborted).to.have.property('code', 'ABORTED');
  });
});
