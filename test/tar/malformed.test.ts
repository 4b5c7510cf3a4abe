import { expect } from 'chai';
import * as fc from 'fast-check';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import { tarEntry } from '../../src/tar/entry.ts';
import { blockSize, encodeHeaderBlock } from '../../src/tar/header-block.ts';
import { type TarLimits, TarParser } from '../../src/tar/parser.ts';
import { formatPaxRecord, formatPaxTime, parsePaxTime } from '../../src/tar/pax.ts';
import { encodeEntry, endOfArchive, tarItem } from '../../src/tar/writer.ts';
import { type ByteString, byteString } from '../../src/util/byte-string.ts';
import { archiveOf, membersOf } from './support.ts';

const emptyBlock = {
  typeflag: '0',
  name: byteString('name'),
  linkname: '' as ByteString,
  prefix: '',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 0,
  devmajor: 0,
  devminor: 0,
};

/** A header block with some bytes changed after its fields, and the checksum mended. */
function header(fields: Partial<typeof emptyBlock>, patch: Readonly<Record<number, string>> = {}): Buffer {
  const block = Buffer.alloc(blockSize);
  encodeHeaderBlock(block, { ...emptyBlock, ...fields });
  for (const [at, text] of Object.entries(patch)) block.write(text, Number(at), 'latin1');
  block.write('        ', 148, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function padded(text: string): Buffer {
  const block = Buffer.alloc(Math.ceil(text.length / blockSize) * blockSize);
  block.write(text, 'latin1');
  return block;
}

/** An extended header in front of an entry. */
function extended(typeflag: string, text: string, entry: Buffer = header({})): Buffer {
  return Buffer.concat([header({ typeflag, size: text.length }), padded(text), entry]);
}

function parse(archive: Buffer, limits: TarLimits = {}): number {
  let entries = 0;
  let bytes = 0;
  const parser = new TarParser(
    {
      entry: () => void entries++,
      data: data => void (bytes += data.length),
      hole: () => undefined,
      entryEnd: () => undefined,
    },
    limits,
  );
  parser.write(archive);
  parser.finish();
  expect(bytes).to.be.at.most(archive.length);
  return entries;
}

const end = Buffer.from(endOfArchive());
const sparse = (map: string, size = 4096) =>
  extended(
    'x',
    formatPaxRecord('GNU.sparse.map', map) + formatPaxRecord('GNU.sparse.size', String(size)),
    header({ size: 5 }),
  );

const refused: readonly (readonly [title: string, archive: Buffer, limits?: TarLimits])[] = [
  ['noise', Buffer.alloc(1024, 0x41)],
  ['half a block', Buffer.alloc(100, 0)],
  ['a wrong checksum', Buffer.concat([header({}).fill(0x62, 0, 1), end])],
  ['a checksum that is no number', Buffer.concat([header({}).fill(0x7a, 148, 154), end])],
  ['an end in the middle of a body', Buffer.concat([header({ size: 1000 }), Buffer.alloc(512)])],
  ['an end in the middle of a pax header', header({ typeflag: 'x', size: 30 })],
  ['an end after a pax header', extended('x', formatPaxRecord('path', 'a'), Buffer.alloc(0))],
  ['a pax header before the end', extended('x', formatPaxRecord('path', 'a'), end)],
  ['an entry after a lone zero block', Buffer.concat([Buffer.alloc(512), header({})])],
  ['a size that is no octal number', header({}, { 124: '0000000009 ' })],
  ['a base-256 size over 2⁵³', header({}, { 124: `\x80\x7f${'\xff'.repeat(10)}` })],
  ['a negative size', header({}, { 124: '\xff'.repeat(12) })],
  ['a negative uid', header({}, { 108: '\xff'.repeat(8) })],
  ['an unknown type', header({ typeflag: 'Q' })],
  ['no name', header({ name: '' as ByteString })],
  ['a NUL in a pax path', extended('x', formatPaxRecord('path', 'a\0b'))],
  ['a NUL in a pax linkpath', extended('x', formatPaxRecord('linkpath', 'a\0b'), header({ typeflag: '2' }))],
  ['a pax record without a length', extended('x', ' path=a\n')],
  ['a pax record that is too long', extended('x', '99 path=a\n')],
  ['a pax record of length 0', extended('x', '0 path=a\n')],
  ['a pax record without an equals sign', extended('x', '8 patha\n')],
  ['a pax record without a key', extended('x', '5 =a\n')],
  ['a pax record without a newline', extended('x', '10 path=abc')],
  ['a pax size that is no number', extended('x', formatPaxRecord('size', '-1'))],
  ['a pax uid over 2⁵³', extended('x', formatPaxRecord('uid', '99999999999999999'))],
  ['a pax time that is none', extended('x', formatPaxRecord('mtime', '12:30'))],
  [
    'a pax header over the limit',
    extended('x', formatPaxRecord('comment', 'x'.repeat(2000))),
    { maxHeaderSize: 1000 },
  ],
  ['a pax header of 1 GiB', header({ typeflag: 'x', size: 2 ** 30 })],
  ['a GNU long name of 8 GiB', header({ typeflag: 'L', size: 2 ** 33 - 1 })],
  ['too many entries', Buffer.concat([header({}), header({}), header({}), end]), { maxEntries: 2 }],
  ['files over the limit', Buffer.concat([header({ size: 600 }), Buffer.alloc(1024), end]), { maxSize: 599 }],
  ['a sparse file over the limit', sparse('0,5', 10_000), { maxSize: 9999 }],
  ['sparse parts that overlap', sparse('0,3,2,2')],
  ['sparse parts outside the file', sparse('5000,5')],
  ['sparse parts that are not as long as the body', sparse('0,4')],
  ['a sparse map with an odd number', sparse('0,5,7')],
  ['a sparse map that is no list', sparse('0;5')],
  [
    'a sparse 1.0 map that never ends',
    Buffer.concat([
      extended(
        'x',
        formatPaxRecord('GNU.sparse.major', '1') + formatPaxRecord('GNU.sparse.minor', '0'),
        header({ size: 512 * 4 }),
      ),
      Buffer.alloc(512 * 4, 0x31),
    ]),
  ],
];

describe('tar/parser, malformed archives', () => {
  for (const [title, archive, limits] of refused) {
    it(`refuses ${title}`, () => {
      expect(() => parse(archive, limits))
        .to.throw()
        .with.property('code', 'TAR_INVALID');
    });
  }

  const accepted: readonly (readonly [title: string, archive: Buffer, entries: number])[] = [
    ['nothing at all', Buffer.alloc(0), 0],
    ['an empty archive', end, 0],
    ['one zero block at the end', Buffer.concat([header({}), Buffer.alloc(512)]), 1],
    ['no zero block at the end', header({}), 1],
    ['no padding at the end', Buffer.concat([header({ size: 3 }), Buffer.from('abc')]), 1],
    ['noise after the end', Buffer.concat([header({}), end, Buffer.alloc(700, 0x41)]), 1],
    ['a global pax header', Buffer.concat([extended('g', formatPaxRecord('path', 'x')), end]), 1],
    ['a volume label', Buffer.concat([header({ typeflag: 'V' }), header({}), end]), 1],
    ['NULs behind pax records', extended('x', `${formatPaxRecord('path', 'a')}\0\0`), 1],
    ['a size on a folder', Buffer.concat([header({ typeflag: '5', size: 512 }), end]), 1],
  ];
  for (const [title, archive, entries] of accepted) {
    it(`takes ${title}`, () => expect(parse(archive)).to.equal(entries));
  }

  it('takes a checksum of signed bytes', async () => {
    const block = header({ name: 'caf\xe9' as ByteString });
    const field = (text: string) => Buffer.concat([block]).fill(text, 148, 156, 'latin1');
    const blanks = field('        ');
    const sum = blanks.reduce((total, byte) => total + (byte > 127 ? byte - 256 : byte), 0);
    expect((await membersOf(field(`${sum.toString(8).padStart(6, '0')}\0 `)))[0]?.entry.name).to.equal(
      'caf\xe9',
    );
  });

  it('a pax header speaks for one entry only, and an empty value takes back an earlier one', async () => {
    const records =
      formatPaxRecord('path', 'first') + formatPaxRecord('uid', '5') + formatPaxRecord('uid', '');
    const members = await membersOf(Buffer.concat([extended('x', records), header({}), end]));
    expect(members.map(({ entry }) => [entry.name, entry.uid])).to.deep.equal([
      ['first', 0],
      ['name', 0],
    ]);
  });

  it("reads libarchive's attributes, and base-256 numbers", async () => {
    const records = formatPaxRecord('LIBARCHIVE.xattr.user.a%3Db', 'AAEC');
    const block = header({}, { 108: '\x80\0\0\0\xff\xff\xff\xfe', 136: `${'\xff'.repeat(11)}\xfb` });
    const [member] = await membersOf(extended('x', records, block));
    expect(member?.entry.uid).to.equal(2 ** 32 - 2);
    expect(member?.entry.mtime).to.deep.equal({ seconds: -5, nanoseconds: 0 });
    expect([...(member?.entry.xattrs ?? [])].map(([key, value]) => [key, [...value]])).to.deep.equal([
      ['user.a=b', [0, 1, 2]],
    ]);
  });

  const times: readonly (readonly [text: string, seconds: number, nanoseconds: number])[] = [
    ['0', 0, 0],
    ['1.5', 1, 500_000_000],
    ['1.000000001', 1, 1],
    ['-1', -1, 0],
    ['-0.25', -1, 750_000_000],
    ['-5.000000001', -6, 999_999_999],
  ];
  for (const [text, seconds, nanoseconds] of times) {
    it(`time ${text}`, () => {
      expect(parsePaxTime(text)).to.deep.equal({ seconds, nanoseconds });
      expect(formatPaxTime({ seconds, nanoseconds })).to.equal(text);
    });
  }

  it('writes these very bytes', async () => {
    const plain = encodeEntry(
      tarEntry({
        type: 'directory',
        name: byteString('usr/bin'),
        mtime: { seconds: 1_700_000_000, nanoseconds: 0 },
      }),
    );
    const text = (start: number, stop: number) => plain.toString('latin1', start, stop);
    expect(plain.length).to.equal(512);
    expect(text(0, 10)).to.equal('usr/bin/\0\0');
    expect(text(100, 157)).to.equal(
      '0000755\x000000000\x000000000\x0000000000000\x0014524770400\x00010630\0 5',
    );
    expect(text(257, 265)).to.equal('ustar\x0000');
    const long = encodeEntry(
      tarEntry({ type: 'file', name: byteString(`a/${'n'.repeat(120)}`), uid: 3_000_000 }),
    );
    expect(long.toString('latin1', 512, 512 + 147)).to.equal(
      `132 path=a/${'n'.repeat(120)}\n15 uid=3000000\n`.slice(0, 147),
    );
    expect(long.toString('latin1', 0, 15)).to.equal('a/PaxHeaders.0/');
  });

  it('never throws anything else, whatever the bytes', async () => {
    const valid = await archiveOf([
      tarItem(
        tarEntry({
          type: 'file',
          name: byteString('n'.repeat(150)),
          xattrs: new Map([['user.x', Buffer.from('y')]]),
        }),
        Buffer.from('abc'),
      ),
      { entry: tarEntry({ type: 'symlink', name: byteString('s'), linkname: byteString('t'.repeat(120)) }) },
    ]);
    const archive = Buffer.concat([sparse('0,2,10,3'), padded('abcde'), valid]);
    const flips = fc.array(fc.tuple(fc.nat(archive.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    const property = fc.property(flips, fc.nat(archive.length), fc.boolean(), (changes, length, mend) => {
      const broken = Buffer.from(archive);
      for (const [at, byte] of changes) broken[at] = byte;
      // With a mended checksum the fields behind it are reached.
      const mended = mend ? broken.length : 0;
      for (let at = 0; at + blockSize <= mended; at += blockSize) {
        if (broken.toString('latin1', at + 257, at + 262) !== 'ustar') continue;
        broken.fill(0x20, at + 148, at + 156);
        const sum = broken.subarray(at, at + blockSize).reduce((total, byte) => total + byte, 0);
        broken.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
      }
      try {
        parse(broken.subarray(0, length < 20 ? length : undefined), { maxSize: 2 ** 40 });
      } catch (error) {
        if (!isHawserError(error, 'TAR_INVALID')) throw error;
      }
    });
    fc.assert(property, { numRuns: 3000 });
  });
});
