import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { tarEntry } from '../../src/tar/entry.ts';
import { encodeEntry, type TarItem } from '../../src/tar/writer.ts';
import { byteString } from '../../src/util/byte-string.ts';
import { device, file, folder, Ground, hardlink, symlink } from './apply-support.ts';

interface Attack {
  /** Advisories, then what the layer tries. */
  readonly title: string;
  /** `OUTSIDE` stands for the absolute path of a folder beside the root. */
  readonly items: (outside: string) => readonly TarItem[];
  /** The entry that the error names; undefined where the layer applies, harmlessly. */
  readonly refused?: string;
}

const deep = (length: number) => Array.from({ length }, () => 'd').join('/');

const attacks: readonly Attack[] = [
  // Names that lead out
  {
    title: 'CVE-2021-21272 zip-slip: .. in a name',
    items: () => [file('../outside/secret', 'x')],
    refused: '../outside/secret',
  },
  {
    title: 'CVE-2021-32804 .. behind an absolute name',
    items: () => [file('/../outside/secret', 'x')],
    refused: '/../outside/secret',
  },
  {
    title: 'CVE-2024-12905 .. in the middle',
    items: () => [folder('a'), file('a/../../outside/secret', 'x')],
    refused: 'a/../../outside/secret',
  },
  { title: '.. as a name', items: () => [folder('..', { mode: 0o777 })], refused: '..' },
  {
    title: 'CVE-2021-32804 an absolute name counts from the root',
    items: outside => [file(`${outside}/secret`, 'x')],
  },
  {
    title: 'CVE-2021-32804 slashes and dots before an absolute name',
    items: outside => [file(`//.//${outside}/secret`, 'x')],
  },
  // Links swapped in by an earlier entry
  {
    title: 'CVE-2018-20834 CVE-2025-48387 a file through an absolute symlink',
    items: outside => [symlink('l', outside), file('l/secret', 'x'), file('l/new', 'x')],
  },
  {
    title: 'CVE-2025-59343 a file through a relative symlink',
    items: () => [symlink('l', '../outside'), file('l/secret', 'x')],
  },
  {
    title: 'CVE-2021-32803 a folder entry, then a symlink in its place, then a file through it',
    items: outside => [folder('d'), file('d/x'), symlink('d', outside), file('d/secret', 'x')],
  },
  {
    title: 'CVE-2021-37701 the same behind another spelling of the name',
    items: outside => [folder('d'), file('d/x'), symlink('./d/', outside), file('d//secret', 'x')],
  },
  {
    title: 'CVE-2021-37712 the same with names that differ in case or composition only',
    items: outside => [
      folder('D\u00e9'),
      symlink('de\u0301', outside),
      symlink('d\u00e9', outside),
      file('D\u00e9/secret', 'x'),
      file('d\u00e9/secret', 'x'),
      file('de\u0301/secret', 'x'),
    ],
  },
  {
    title: 'CVE-2026-23950 sharp s and the ligature st',
    items: outside => [
      folder('stra\u00dfe'),
      symlink('strasse', outside),
      file('stra\u00dfe/secret', 'x'),
      folder('\ufb06'),
      symlink('st', outside),
      file('\ufb06/secret', 'x'),
    ],
  },
  {
    title: 'CVE-2021-37713 a drive letter and backslashes are names',
    items: () => [file('C:..\\..\\secret', 'x'), file('..\\outside\\secret', 'x')],
  },
  {
    title: 'a chain of symlinks',
    items: outside => [symlink('a', 'b'), symlink('b', 'c'), symlink('c', outside), file('a/secret', 'x')],
  },
  {
    title: 'a symlink with .. behind a symlink',
    items: () => [
      folder('d/e/f'),
      symlink('l', 'd/e/f'),
      symlink('m', 'l/../../../../outside'),
      file('m/secret', 'x'),
    ],
  },
  {
    title: 'a circle of symlinks',
    items: () => [symlink('a', 'b'), symlink('b', 'a'), file('a/x', 'x')],
    refused: 'a/x',
  },
  {
    title: 'a file over a symlink replaces the symlink',
    items: outside => [symlink('l', `${outside}/secret`), file('l', 'x')],
  },
  {
    title: 'metadata of a symlink stays its own',
    items: outside => [
      symlink('l', `${outside}/secret`, { uid: 9, gid: 9, mtime: { seconds: 5, nanoseconds: 5 } }),
    ],
  },
  {
    title: 'times of a folder that a symlink replaced later',
    items: outside => [
      folder('a'),
      folder('a/sub', { mode: 0o777 }),
      symlink('a', outside),
      folder('a/sub', { mode: 0o777 }),
    ],
  },
  {
    title: 'times set at the end go through no symlink',
    items: outside => [folder('a/sub', { mtime: { seconds: 7, nanoseconds: 0 } }), symlink('a', outside)],
  },
  {
    title: 'the same, a whiteout having made the place',
    items: outside => [
      folder('a/sub', { mtime: { seconds: 7, nanoseconds: 0 } }),
      file('.wh..wh..opq', ''),
      symlink('a', outside),
    ],
  },
  {
    title: 'CVE-2021-29136 a symlink in place of the root',
    items: outside => [symlink('.', outside), file('secret', 'x')],
    refused: '.',
  },
  {
    title: 'CVE-2021-29136 a symlink in place of the root, as /',
    items: outside => [symlink('/', outside), file('secret', 'x')],
    refused: '/',
  },
  {
    title: 'a folder entry through a symlink to the outside',
    items: outside => [symlink('l', outside), folder('l', { mode: 0o777 }), folder('l/.', { mode: 0o777 })],
  },
  // Hard links
  {
    title: 'CVE-2018-20834 a hard link to an absolute path',
    items: outside => [hardlink('h', `${outside}/secret`), file('h', 'x')],
    refused: 'h',
  },
  {
    title: 'CVE-2026-23745 a hard link with ..',
    items: () => [hardlink('h', '../outside/secret')],
    refused: 'h',
  },
  {
    title: 'CVE-2026-24842 a hard link with .. behind a folder',
    items: () => [folder('a/b'), hardlink('a/b/h', 'a/../../outside/secret')],
    refused: 'a/b/h',
  },
  {
    title: 'CVE-2026-26960 CVE-2025-48387 a hard link through a symlink',
    items: outside => [symlink('l', outside), hardlink('h', 'l/secret')],
    refused: 'h',
  },
  {
    title: 'CVE-2026-26960 a hard link through a chain of symlinks',
    items: outside => [symlink('a', 'b'), symlink('b', outside), hardlink('h', 'a/secret')],
    refused: 'h',
  },
  {
    title: 'a hard link to a symlink is another symlink, not its target',
    items: outside => [symlink('l', `${outside}/secret`), hardlink('h', 'l'), file('h', 'x'), file('l', 'x')],
  },
  {
    title: 'a hard link to a symlink, then a file through both',
    items: outside => [symlink('l', outside), hardlink('h', 'l'), file('h/secret', 'x')],
  },
  { title: 'a hard link to a folder', items: () => [folder('d'), hardlink('h', 'd')], refused: 'h' },
  { title: 'a hard link to the root', items: () => [hardlink('h', '/')], refused: 'h' },
  { title: 'a hard link to nothing', items: () => [hardlink('h', 'none')], refused: 'h' },
  {
    title: 'a hard link over the folder of its target',
    items: () => [file('d/x'), hardlink('d', 'd/x')],
    refused: 'd',
  },
  // Whiteouts
  { title: 'a whiteout of ..', items: () => [file('.wh...', '')], refused: '.wh...' },
  { title: 'a whiteout of .', items: () => [file('.wh..', '')], refused: '.wh..' },
  { title: 'a whiteout of nothing', items: () => [file('.wh.', '')], refused: '.wh.' },
  {
    title: 'a whiteout through ..',
    items: () => [file('../outside/.wh.secret', '')],
    refused: '../outside/.wh.secret',
  },
  {
    title: 'a whiteout through a symlink',
    items: outside => [symlink('l', outside), file('l/.wh.secret', '')],
  },
  {
    title: 'an opaque mark through a symlink',
    items: outside => [symlink('l', outside), file('l/.wh..wh..opq', '')],
  },
  { title: 'a whiteout of a symlink', items: outside => [symlink('l', outside), file('.wh.l', '')] },
  {
    title: 'a folder named as a whiteout',
    items: () => [folder('.wh.d'), file('.wh.d/x', 'x')],
    refused: '.wh.d/x',
  },
  // Other kinds
  {
    title: 'a file below a device',
    items: () => [device('dev', { type: 'fifo' }), file('dev/x', 'x')],
    refused: 'dev/x',
  },
  { title: 'a file below a file', items: () => [file('f'), file('f/x', 'x')], refused: 'f/x' },
  {
    title: 'a FIFO is never opened',
    items: () => [
      device('p', { type: 'fifo' }),
      file('p', 'x'),
      device('q', { type: 'fifo' }),
      hardlink('r', 'q'),
      file('r', 'x'),
    ],
  },
  {
    title: "overlayfs's own whiteout as a device",
    items: () => [device('w', { type: 'character-device' })],
    refused: 'w',
  },
  { title: 'CVE-2024-28863 very deep folders', items: () => [folder(deep(3000))], refused: deep(3000) },
  { title: 'a name of 256 bytes', items: () => [file('n'.repeat(256), 'x')], refused: 'n'.repeat(256) },
];

describe('layers/apply, hostile layers', () => {
  let ground: Ground;
  beforeEach(() => {
    ground = new Ground();
  });
  afterEach(() => ground.remove());

  for (const { title, items, refused } of attacks) {
    it(title, async () => {
      const before = ground.outsideState();
      const failure = await ground.apply(items(ground.outside)).then(
        () => undefined,
        (error: unknown) => error as Error,
      );
      expect(ground.outsideState(), 'HOST PATH WAS CHANGED!').to.equal(before);
      if (refused === undefined) expect(failure).to.equal(undefined);
      else {
        expect(failure).to.have.property('code', 'LAYER_ENTRY_INVALID');
        expect(failure?.message).to.contain(JSON.stringify(refused));
      }
    });
  }

  it('CVE-2025-47290 links of lower layers are followed inside the root only', async () => {
    symlinkSync(ground.outside, join(ground.root, 'l'));
    mkdirSync(join(ground.root, 'd'));
    symlinkSync('../../outside/secret', join(ground.root, 'd/s'));
    const before = ground.outsideState();
    await ground.apply([file('l/secret', 'x'), file('d/s', 'y'), file('l/.wh.none', '')]);
    expect(ground.outsideState(), 'HOST PATH WAS CHANGED!').to.equal(before);
  });

  it('a bomb is cut at the limit, plain and compressed', async () => {
    const path = join(ground.folder, 'bomb.tar');
    const body = Buffer.alloc(3_000_000);
    const header = encodeEntry(tarEntry({ type: 'file', name: byteString('zeros'), size: body.length }));
    writeFileSync(path, Buffer.concat([header, body]));
    writeFileSync(`${path}.gz`, gzipSync(Buffer.concat([header, body])));
    for (const source of [
      { path, compression: 'uncompressed' },
      { path: `${path}.gz`, compression: 'gzip' },
    ] as const) {
      const failure = await ground
        .applyFile(path, { source, limits: { maxSize: 1_000_000 } })
        .catch((error: unknown) => error);
      expect(failure).to.have.property('code', 'LAYER_INVALID');
    }
  });

  it('too many entries are refused', async () => {
    const items = Array.from({ length: 20 }, (_, index) => file(`f${index}`));
    const failure = await ground
      .apply(items, { limits: { maxEntries: 10 } })
      .catch((error: unknown) => error);
    expect(failure).to.have.property('code', 'LAYER_INVALID');
  });

  it('what is no archive is LAYER_INVALID, what is no gzip COMPRESSION_INVALID', async () => {
    const path = join(ground.folder, 'noise');
    writeFileSync(path, Buffer.alloc(2000, 0x41));
    const plain = await ground.applyFile(path).catch((error: unknown) => error);
    expect(plain).to.have.property('code', 'LAYER_INVALID');
    const zipped = await ground
      .applyFile(path, { source: { path, compression: 'gzip' } })
      .catch((error: unknown) => error);
    expect(zipped).to.have.property('code', 'COMPRESSION_INVALID');
    writeFileSync(path, gzipSync(Buffer.alloc(100_000)).subarray(0, 60));
    const cut = await ground
      .applyFile(path, { source: { path, compression: 'gzip' } })
      .catch((error: unknown) => error);
    expect(cut).to.have.property('code', 'COMPRESSION_INVALID');
  });
});
