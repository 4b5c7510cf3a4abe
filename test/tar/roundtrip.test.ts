import { expect } from 'chai';
import * as fc from 'fast-check';
import { type TarEntry, type TarEntryType, tarEntry } from '../../src/tar/entry.ts';
import { encodeEntry } from '../../src/tar/writer.ts';
import { type ByteString, byteString, byteStringOf, bytesOf, textOf } from '../../src/util/byte-string.ts';
import { archiveOf, membersOf } from './support.ts';

const nameByte = fc.integer({ min: 1, max: 255 });
const name = fc
  .oneof(
    fc.string({ minLength: 1, maxLength: 300 }).map(byteString),
    fc.array(nameByte, { minLength: 1, maxLength: 300 }).map(bytes => byteStringOf(Uint8Array.from(bytes))),
  )
  .map(text => text.replace(/\0/g, 'x').replace(/\/+$/, '') as ByteString)
  .filter(text => text !== '');
const time = fc.record({
  seconds: fc.oneof(
    fc.integer({ min: 0, max: 2 ** 33 }),
    fc.integer(),
    fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
  ),
  nanoseconds: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 999_999_999 })),
});
const xattrs = fc
  .array(
    fc.tuple(
      fc.string({ minLength: 1, maxLength: 20 }).map(key => byteString(`user.${key.replaceAll('\0', '')}`)),
      fc.uint8Array({ maxLength: 100 }),
    ),
    { maxLength: 3 },
  )
  .map(pairs => new Map<string, Uint8Array>(pairs));
const id = fc.oneof(fc.integer({ min: 0, max: 70_000 }), fc.integer({ min: 0, max: 2 ** 32 - 2 }));

const member = fc
  .record({
    type: fc.constantFrom<TarEntryType>(
      'file',
      'link',
      'symlink',
      'character-device',
      'block-device',
      'directory',
      'fifo',
    ),
    name,
    linkname: name,
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: id,
    gid: id,
    mtime: time,
    devmajor: fc.integer({ min: 0, max: 4095 }),
    devminor: fc.integer({ min: 0, max: 2 ** 20 - 1 }),
    xattrs,
    content: fc.uint8Array({ maxLength: 1500 }),
  })
  .map(({ content, ...fields }) => {
    const isLink = fields.type === 'link' || fields.type === 'symlink';
    const isDevice = fields.type.endsWith('device');
    const body = fields.type === 'file' ? content : new Uint8Array();
    const entry: TarEntry = {
      ...fields,
      linkname: isLink ? fields.linkname : ('' as ByteString),
      devmajor: isDevice ? fields.devmajor : 0,
      devminor: isDevice ? fields.devminor : 0,
      size: body.length,
    };
    return { entry, body: [body] };
  });

/** As chai compares: attribute values as buffers, whatever class they came in. */
function plain(entry: TarEntry): object {
  const attributes = [...entry.xattrs].map(([key, value]) => [key, Buffer.from(value).toString('hex')]);
  return { ...entry, xattrs: attributes.sort() };
}

describe('tar/writer and tar/reader', () => {
  it('give back every entry, in chunks of any size', async () => {
    const property = fc.asyncProperty(
      fc.array(member, { maxLength: 6 }),
      fc.integer({ min: 1, max: 5000 }),
      async (items, chunkSize) => {
        const members = await membersOf(await archiveOf(items), chunkSize);
        expect(members.map(({ entry }) => plain(entry))).to.deep.equal(
          items.map(({ entry }) => plain(entry)),
        );
        for (const [index, { content }] of members.entries()) {
          expect(content.equals(items[index]?.body[0] as Uint8Array)).to.equal(true);
        }
      },
    );
    await fc.assert(property, { numRuns: 150 });
  });

  it('keep sizes above 8 GiB', () => {
    const blocks = encodeEntry(tarEntry({ type: 'file', name: byteString('big'), size: 2 ** 40 }));
    expect(blocks.length).to.equal(3 * 512);
    expect(blocks.toString('latin1', 512, 531)).to.equal('22 size=1099511627776\n'.slice(0, 19));
  });

  it('byte strings hold what is not UTF-8', () => {
    const bytes = Buffer.from([0x61, 0xff, 0xfe, 0x2f, 0xc3, 0xa9]);
    expect(bytesOf(byteStringOf(bytes)).equals(bytes)).to.equal(true);
    expect(textOf(byteString('é'))).to.equal('é');
  });

  const refused: [string, Partial<TarEntry>][] = [
    ['an empty name', { name: '' as ByteString }],
    ['a NUL byte', { name: 'a\0b' as ByteString }],
    ['a folder with content', { type: 'directory', size: 3 }],
    ['a negative size', { size: -1 }],
    ['a fractional owner', { uid: 0.5 }],
    ['a mode with the file type', { mode: 0o100644 }],
    ['a device number over 21 bits', { type: 'block-device', devminor: 2 ** 21 }],
  ];
  for (const [title, fields] of refused) {
    it(`refuse to write ${title}`, () => {
      const entry = tarEntry({ type: 'file', name: byteString('x'), ...fields });
      expect(() => encodeEntry(entry))
        .to.throw()
        .with.property('code', 'TAR_INVALID');
    });
  }

  it('refuse a body that is not as long as its entry says', async () => {
    const entry = tarEntry({ type: 'file', name: byteString('x'), size: 3 });
    for (const body of [[Buffer.from('ab')], [Buffer.from('abcd')], []]) {
      const failure = await archiveOf([{ entry, body }]).catch((error: unknown) => error);
      expect(failure).to.have.property('code', 'TAR_INVALID');
    }
  });
});
