import { expect } from 'chai';
import { ByteHeap } from '../../src/util/byte-heap.ts';
import { type ByteString, byteString } from '../../src/util/byte-string.ts';
import { ByteRows, float64Column, uint8Column, uint32Column } from '../../src/util/columns.ts';

describe('util/columns', () => {
  it('keeps numbers across pages, and is zero where none was set', () => {
    const column = float64Column();
    const values = [0, 1, 16_383, 16_384, 1_000_000].map(index => [index, index * 2 ** 33 - 1] as const);
    for (const [index, value] of values) column.set(index, value);
    expect(values.map(([index]) => [index, column.get(index)])).to.deep.equal(values);
    expect([column.get(2), column.get(50_000), column.get(2_000_000)]).to.deep.equal([0, 0, 0]);
    column.set(1, 0);
    expect(column.get(1)).to.equal(0);
  });

  it('cuts numbers to what the type holds', () => {
    const [small, large] = [uint8Column(), uint32Column()];
    small.set(0, 257);
    large.set(0, 2 ** 32 - 1);
    expect([small.get(0), large.get(0)]).to.deep.equal([1, 2 ** 32 - 1]);
  });

  it('keeps rows of bytes', () => {
    const rows = new ByteRows(3);
    rows.set(20_000, 'a\xff\0' as ByteString);
    expect([rows.get(20_000), rows.get(20_001), rows.get(1)]).to.deep.equal(['a\xff\0', '\0\0\0', undefined]);
  });
});

describe('util/byte-heap', () => {
  it('keeps strings, short ones and such as need pages of their own', () => {
    const heap = new ByteHeap();
    const texts = [
      '',
      'a',
      'Ünï',
      'x'.repeat(300_000),
      'b',
      'y'.repeat(262_140),
      ...Array(40_000).keys(),
    ].map(text => byteString(String(text)));
    const places = texts.map(text => heap.add(text));
    expect(new Set(places).size).to.equal(texts.length);
    expect(places.map(place => heap.get(place))).to.deep.equal(texts);
    expect(places.every((place, index) => heap.equals(place, texts[index] as ByteString))).to.equal(true);
    expect(heap.equals(places[1] as number, 'b' as ByteString)).to.equal(false);
  });

  it('orders as the bytes are', () => {
    const heap = new ByteHeap();
    const texts = ['', 'a', 'a\0', 'aa', 'b', '\x7f', '\x80', '\xff', '\xff\xff'] as ByteString[];
    const places = texts.map(text => heap.add(text));
    const sorted = places.toReversed().sort((left, right) => heap.compare(left, right));
    expect(sorted.map(place => heap.get(place))).to.deep.equal(texts);
  });
});
