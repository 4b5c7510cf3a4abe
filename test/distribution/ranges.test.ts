import { expect } from 'chai';
import {
  formatContentRange,
  formatUploadedRange,
  parseByteRange,
  parseContentRange,
  parseUploadedRange,
  parseUploadRange,
} from '../../src/distribution/ranges.ts';
import { thrownBy } from '../support/thrown-by.ts';

const big = 999_999_999_999_999;

describe('Content-Range of an upload', () => {
  const rows: readonly (readonly [string, number, number])[] = [
    ['0-9', 0, 10],
    ['10-10', 10, 11],
    [' 0-9 ', 0, 10],
    ['bytes 0-9', 0, 10],
    ['bytes=0-9', 0, 10],
    ['bytes 0-9/100', 0, 10],
    ['bytes 0-9/*', 0, 10],
    [`0-${big}`, 0, big + 1],
  ];
  for (const [text, start, end] of rows) {
    it(JSON.stringify(text), () => expect(parseUploadRange(text)).to.deep.equal({ start, end }));
  }
  for (const text of [
    '',
    '-',
    '0-',
    '-9',
    '9-0',
    '0-9999999999999999',
    '0x0-9',
    '0-9-10',
    '1e3-2e3',
    '+0-9',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      const { message } = thrownBy(() => parseUploadRange(text), 'RANGE_INVALID');
      expect(message).to.equal(`invalid Content-Range ${JSON.stringify(text)}`);
    });
  }
});

describe('Range of an upload', () => {
  const rows: readonly (readonly [string | undefined, number | undefined])[] = [
    ['0-0', 0],
    ['0-1', 2],
    ['bytes=0-9', 10],
    ['1-9', undefined],
    ['0-', undefined],
    ['', undefined],
    [undefined, undefined],
  ];
  for (const [text, size] of rows) {
    it(JSON.stringify(text) ?? 'no header', () => expect(parseUploadedRange(text)).to.equal(size));
  }

  it('reads what it writes, but for a single byte, which nobody can tell from none', () => {
    for (const size of [0, 2, 3, 1 << 20, big])
      expect(parseUploadedRange(formatUploadedRange(size))).to.equal(size);
    expect(formatUploadedRange(1)).to.equal(formatUploadedRange(0));
  });
});

describe('Range of a request', () => {
  const rows: readonly (readonly [string | undefined, number, number, number])[] = [
    ['bytes=0-9', 100, 0, 10],
    ['bytes=0-', 100, 0, 100],
    ['bytes=99-', 100, 99, 100],
    ['bytes=0-999', 100, 0, 100],
    ['bytes=-10', 100, 90, 100],
    ['bytes=-999', 100, 0, 100],
    ['bytes= 0-9 ', 100, 0, 10],
  ];
  for (const [text, size, start, end] of rows) {
    it(`${text} of ${size}`, () => expect(parseByteRange(text, size)).to.deep.equal({ start, end }));
  }
  for (const text of [
    undefined,
    '',
    'bytes=-',
    'bytes=0-1,5-6',
    'items=0-1',
    'bytes=a-b',
    'bytes=1--2',
    'bytes',
  ]) {
    it(`sends the whole for ${JSON.stringify(text)}`, () =>
      expect(parseByteRange(text, 100)).to.equal(undefined));
  }
  for (const [text, size] of [
    ['bytes=100-', 100],
    ['bytes=5-2', 100],
    ['bytes=-0', 100],
    ['bytes=0-', 0],
    ['bytes=-1', 0],
  ] as const) {
    it(`refuses ${text} of ${size}`, () => {
      thrownBy(() => parseByteRange(text, size), 'RANGE_INVALID');
    });
  }
});

describe('Content-Range of an answer', () => {
  it('reads what it writes', () => {
    const range = { start: 5, end: 10 };
    expect(formatContentRange(range, 100)).to.equal('bytes 5-9/100');
    expect(parseContentRange('bytes 5-9/100')).to.deep.equal({ ...range, size: 100 });
    expect(parseContentRange('bytes 5-9/*')).to.deep.equal(range);
  });
  for (const text of [
    undefined,
    '',
    'bytes 5-9',
    '5-9/100',
    'bytes */100',
    'bytes 9-5/100',
    'bytes 5-100/100',
  ]) {
    it(`makes nothing of ${JSON.stringify(text)}`, () => expect(parseContentRange(text)).to.equal(undefined));
  }
});
