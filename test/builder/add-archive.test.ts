import { execFileSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { tarEntry } from '../../src/tar/entry.ts';
import { tarItem, writeTar } from '../../src/tar/writer.ts';
import { byteString } from '../../src/util/byte-string.ts';
import { collect } from '../content/conformance.ts';
import { BuildSandbox, errorOf } from './support.ts';

describe('ADD of archives', () => {
  let sandbox: BuildSandbox;
  before(async () => {
    sandbox = await BuildSandbox.open();
  });
  after(() => sandbox.close());

  const file = (name: string, fields = {}) =>
    tarItem(tarEntry({ type: 'file', name: byteString(name), ...fields }), Buffer.from('x'));
  const link = (name: string, target: string) => ({
    entry: tarEntry({ type: 'symlink', name: byteString(name), linkname: byteString(target) }),
  });
  const layerOf = async (text: string, files: Readonly<Record<string, Uint8Array | string>>) => {
    const context = sandbox.context({ Dockerfile: text });
    for (const [name, content] of Object.entries(files)) writeFileSync(`${context}/${name}`, content);
    const { image } = await sandbox.build(context);
    return sandbox.layer(image, -1);
  };

  const compressed: [string, (bytes: Uint8Array) => Uint8Array][] = [
    ['plain', bytes => bytes],
    ['gzip', bytes => gzipSync(bytes)],
    ...['bzip2', 'xz', 'zstd'].map((program): [string, (bytes: Uint8Array) => Uint8Array] => [
      program,
      bytes => execFileSync(program, ['-c'], { input: bytes }),
    ]),
  ];
  for (const [name, compress] of compressed) {
    it(`trap 25: extracts tar archives by content, whatever they are called: ${name}`, async () => {
      const archive = compress(await collect(writeTar([file('p')])));
      const layer = await layerOf('FROM scratch\nADD any.zip /x\n', { 'any.zip': archive });
      expect(layer).to.deep.equal(['d0755 0:0 x', '-0644 0:0 x/p']);
    });
  }

  it('trap 25: copies what only looks like one, an empty archive, and a zip', async () => {
    const files = {
      'not.tar.gz': 'no archive at all',
      'text.gz': gzipSync('no archive in it'),
      'zero.tar': Buffer.alloc(10240),
      'a.zip': Buffer.from('PK\x03\x04 and so on'),
    };
    const layer = await layerOf('FROM scratch\nADD *.tar* *.gz *.zip /x/\n', files);
    expect(layer.slice(1)).to.deep.equal(
      ['a.zip', 'not.tar.gz', 'text.gz', 'zero.tar'].map(name => `-0644 0:0 x/${name}`),
    );
  });

  it('trap 25: --unpack=false leaves an archive as it is, and COPY does too', async () => {
    const archive = await collect(writeTar([file('p')]));
    for (const word of ['ADD --unpack=false', 'COPY']) {
      const layer = await layerOf(`FROM scratch\n${word} a.tar /x\n`, { 'a.tar': archive });
      expect(layer).to.deep.equal(['-0644 0:0 x']);
    }
  });

  it('trap 26: extracts into a folder of 0755, which the archive does not change', async () => {
    const top = { entry: tarEntry({ type: 'directory', name: byteString('./'), mode: 0o700 }) };
    const archive = await collect(writeTar([top, file('d/e')]));
    const layer = await layerOf('FROM scratch\nADD a.tar /x\n', { 'a.tar': archive });
    expect(layer).to.deep.equal(['d0755 0:0 x', 'd0755 0:0 x/d', '-0644 0:0 x/d/e']);
  });

  it('trap 27: keeps owners, modes, links of both kinds, and global headers', async () => {
    const hard = { entry: tarEntry({ type: 'link', name: byteString('h'), linkname: byteString('./s') }) };
    const items = [file('./s', { uid: 5, gid: 6, mode: 0o4711 }), hard, link('l', '/s')];
    const archive = Buffer.concat([globalHeader(), await collect(writeTar(items))]);
    const layer = await layerOf('FROM scratch\nADD a.tar /x\n', { 'a.tar': archive });
    expect(layer).to.deep.equal([
      'd0755 0:0 x',
      '-4711 5:6 x/h',
      'l0777 0:0 x/l -> /s',
      'h4711 5:6 x/s -> x/h',
    ]);
  });

  it('trap 27: --chown overrides the archive and concerns the folder', async () => {
    const archive = await collect(writeTar([file('s', { uid: 5 })]));
    const layer = await layerOf('FROM scratch\nADD --chown=8 a.tar /x/\n', { 'a.tar': archive });
    expect(layer).to.deep.equal(['d0755 8:8 x', '-0644 8:8 x/s']);
  });

  it('trap 27: goes through an absolute link inside the image', async () => {
    const archive = await collect(writeTar([link('up', '/real'), file('up/f')]));
    const layer = await layerOf('FROM scratch\nADD a.tar /x/\n', { 'a.tar': archive });
    expect(layer).to.include.members(['l0777 0:0 x/up -> /real', '-0644 0:0 real/f']);
  });

  it('CVE-2024-9676, CVE-2021-29136: no archive leads out of the image', async () => {
    const outside = `${sandbox.folder}/outside`;
    const through = await collect(writeTar([link('up', sandbox.folder), file('up/outside')]));
    const layer = await layerOf('FROM scratch\nADD a.tar /x/\n', { 'a.tar': through });
    expect(layer).to.include(`-0644 0:0 ${outside.slice(1)}`);
    const above = await collect(writeTar([file('../../escape')]));
    const escaping = () => layerOf('FROM scratch\nADD a.tar /x/\n', { 'a.tar': above });
    expect((await errorOf(escaping)).code).to.equal('LAYER_ENTRY_INVALID');
  });

  it('CVE-2018-15664: no link of a context leads out of it', async () => {
    const context = sandbox.context({ Dockerfile: 'FROM scratch\nCOPY link /x\n' });
    symlinkSync('/etc/passwd', `${context}/link`);
    expect((await errorOf(() => sandbox.build(context))).code).to.equal('COPY_SOURCE_UNKNOWN');
    symlinkSync('/etc', `${context}/folder`);
    writeFileSync(`${context}/Dockerfile`, 'FROM scratch\nCOPY folder/passwd /x\n');
    expect((await errorOf(() => sandbox.build(context))).code).to.equal('COPY_SOURCE_UNKNOWN');
  });

  it('names the archive that is broken', async () => {
    const archive = gzipSync(await collect(writeTar([file('p'), file('q')])));
    const broken = archive.subarray(0, archive.length - 12);
    const error = await errorOf(() => layerOf('FROM scratch\nADD a.tgz /x\n', { 'a.tgz': broken }));
    expect(error.code).to.equal('COMPRESSION_INVALID');
    expect(error.location?.line).to.equal(2);
  });
});

/** What `git archive` begins with. */
function globalHeader(): Buffer {
  const header = Buffer.alloc(512);
  header.write('pax_global_header', 0);
  header.write(['0000666', '0000000', '0000000', '00000000064', '00000000000', ''].join('\0'), 100);
  header.write('        g', 148);
  header.write('ustar\x0000', 257);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const body = Buffer.alloc(512);
  body.write(`52 comment=${'0'.repeat(40)}\n`);
  return Buffer.concat([header, body]);
}
