import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { assert, property, string, uniqueArray } from 'fast-check';
import { DigestTable } from '../../src/builder/cache/digest-table.ts';

const keyOf = (text: string) => createHash('md5').update(text).digest();
const hexOf = (text: string) => createHash('sha256').update(text).digest('hex');

describe('DigestTable', () => {
  it('is a map, also after it was written and read', () => {
    const names = uniqueArray(string(), { maxLength: 700 });
    assert(
      property(names, string(), (known, other) => {
        const table = new DigestTable();
        for (const name of known) table.add(keyOf(name), hexOf(name));
        const read = new DigestTable(table.toBytes());
        for (const each of [table, read]) {
          for (const name of known) expect(each.get(keyOf(name))).to.equal(hexOf(name));
          expect(each.get(keyOf(`${other} and more`))).to.equal(undefined);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('tells keys apart that begin alike', () => {
    const [one, two] = [Buffer.alloc(16, 1), Buffer.alloc(16, 1)];
    two[15] = 2;
    const table = new DigestTable();
    table.add(one, hexOf('one'));
    expect(table.get(two)).to.equal(undefined);
    table.add(two, hexOf('two'));
    expect([table.get(one), table.get(two)]).to.deep.equal([hexOf('one'), hexOf('two')]);
  });

  it('forgets what nobody asks for, once it is more than the rest', () => {
    const table = new DigestTable();
    for (let index = 0; index < 5000; index++) table.add(keyOf(`old ${index}`), hexOf(`${index}`));
    const next = new DigestTable(table.toBytes());
    for (let index = 0; index < 10; index++) next.get(keyOf(`old ${index}`));
    next.add(keyOf('new'), hexOf('new'));
    const last = new DigestTable(next.toBytes());
    expect(last.get(keyOf('old 5'))).to.equal(hexOf('5'));
    expect(last.get(keyOf('new'))).to.equal(hexOf('new'));
    expect(last.get(keyOf('old 4000'))).to.equal(undefined);
  });

  it('takes a broken file for none', () => {
    for (const bytes of [Buffer.from('{}'), Buffer.from('HWMEMO1\nshort'), Buffer.alloc(0)]) {
      expect(new DigestTable(bytes).get(keyOf('a'))).to.equal(undefined);
    }
  });
});
