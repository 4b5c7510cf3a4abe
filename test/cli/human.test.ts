import { expect } from 'chai';
import { humanAge, humanSeconds, humanSize } from '../../src/cli/human.ts';
import { formatTable } from '../../src/cli/table.ts';

describe('human', () => {
  for (const [bytes, expected] of [
    [0, '0B'],
    [999, '999B'],
    [1000, '1kB'],
    [77_812_345, '77.8MB'],
    [999_999, '1MB'],
    [1.5e9, '1.5GB'],
  ] as const) {
    it(`${bytes} bytes`, () => expect(humanSize(bytes)).to.equal(expected));
  }
  for (const [milliseconds, expected] of [
    [40, '0.0s'],
    [12_340, '12.3s'],
    [125_000, '2m05s'],
  ] as const) {
    it(`${milliseconds} ms`, () => expect(humanSeconds(milliseconds)).to.equal(expected));
  }
  const now = Date.parse('2026-01-02T00:00:00Z');
  for (const [time, expected] of [
    ['2026-01-01T23:59:58Z', '2 seconds ago'],
    ['2026-01-01T23:00:00Z', '1 hour ago'],
    ['2025-12-20T00:00:00Z', '1 week ago'],
    [undefined, 'N/A'],
    ['1970-01-01T00:00:00Z', 'N/A'],
  ] as const) {
    it(`${time}`, () => expect(humanAge(time, now)).to.equal(expected));
  }
});

describe('formatTable', () => {
  it('pads all columns but the last', () => {
    expect(formatTable(['A', 'LONG'], [['wide cell', 'x']])).to.deep.equal([
      'A           LONG',
      'wide cell   x',
    ]);
  });
});
