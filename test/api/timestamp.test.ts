import { expect } from 'chai';
import { canonicalTime, timestampOf } from '../../src/api/timestamp.ts';

/** Text, in whole seconds, and in microseconds. */
const rows: readonly (readonly [string, string, string])[] = [
  ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05Z', '2026-01-02T03:04:05.000000Z'],
  ['2026-01-02T03:04:05.9Z', '2026-01-02T03:04:05Z', '2026-01-02T03:04:05.900000Z'],
  ['2026-01-02T03:04:05.123456789Z', '2026-01-02T03:04:05Z', '2026-01-02T03:04:05.123456Z'],
  ['2026-01-02T03:04:05+02:00', '2026-01-02T01:04:05Z', '2026-01-02T01:04:05.000000Z'],
  ['2025-12-31T23:30:00-01:00', '2026-01-01T00:30:00Z', '2026-01-01T00:30:00.000000Z'],
  ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000000Z'],
];

const wrong = [
  '',
  'now',
  '2026-01-02',
  '2026-01-02T03:04Z',
  '2026-01-02T03:04:05',
  '2026-01-02 03:04:05Z',
  '2026-01-02T03:04:05.Z',
  '2026-02-30T00:00:00Z',
  '2026-02-29T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-01-01T25:00:00Z',
  '2026-01-01T00:60:00Z',
  '+02026-01-01T00:00:00Z',
  '2026-01-01T00:00:00Z\n',
  '1767225600',
];

describe('times', () => {
  for (const [text, seconds, microseconds] of rows) {
    it(text, () => {
      expect(canonicalTime(text, 'seconds')).to.equal(seconds);
      expect(canonicalTime(text, 'microseconds')).to.equal(microseconds);
    });
  }
  for (const text of wrong) {
    it(`${JSON.stringify(text)} is none`, () => expect(canonicalTime(text, 'seconds')).to.equal(undefined));
  }

  it('of the clock are cut to whole seconds', () => {
    expect(timestampOf(Date.parse('2026-01-02T03:04:05.999Z'))).to.equal('2026-01-02T03:04:05Z');
  });
});
