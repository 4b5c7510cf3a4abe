import { expect } from 'chai';
import { digestHex, digestOf } from '../../src/image/digest.ts';
import { TreeApplier } from '../../src/layers/tree-applier.ts';
import { TarParser } from '../../src/tar/parser.ts';
import { tarItem, writeTar } from '../../src/tar/writer.ts';
import { byteString } from '../../src/util/byte-string.ts';
import { file } from './apply-support.ts';

describe('layers/tree-applier', () => {
  it('finds digests, places and metadata, however the archive is cut', async () => {
    const contents = ['', 'x', 'y'.repeat(511), 'z'.repeat(70_000)];
    const far = { size: 0, uid: 4_000_000_000, mtime: { seconds: -5, nanoseconds: 7 } };
    const items = [
      ...contents.map((content, index) => file(`f${index}`, content)),
      tarItem({ ...file('far').entry, ...far }, Buffer.from('far')),
    ];
    const chunks: Uint8Array[] = [];
    for await (const chunk of writeTar(items)) chunks.push(Buffer.from(chunk));
    const archive = Buffer.concat(chunks);
    for (const step of [archive.length, 1000, 512, 7]) {
      const applier = new TreeApplier({ digests: true });
      let base = 0;
      let piece = archive;
      applier.beginLayer(0, bytes => base + bytes.byteOffset - piece.byteOffset);
      const parser = new TarParser(applier);
      for (; base < archive.length; base += step) {
        piece = archive.subarray(base, base + step);
        parser.write(piece);
      }
      parser.finish();
      const root = applier.tree.root(0);
      for (const [index, content] of [...contents.entries(), [-1, 'far'] as const]) {
        const found = root.child(byteString(index < 0 ? 'far' : `f${index}`))?.file;
        const hex = Buffer.from(found?.contentDigest ?? '', 'latin1').toString('hex');
        expect(hex).to.equal(digestHex(digestOf(content)));
        const parts = (found?.parts ?? []).map(({ offset = 0, length }) =>
          archive.toString('latin1', offset, offset + length),
        );
        expect(parts.join('')).to.equal(content);
      }
      const { uid, mtime } = root.child(byteString('far'))?.file.entry ?? {};
      expect([uid, mtime]).to.deep.equal([far.uid, far.mtime]);
    }
  });
});
