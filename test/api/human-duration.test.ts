import { expect } from 'chai';
import { ageOf, humanDuration } from '../../src/api/human-duration.ts';

const [second, minute, hour, day] = [1, 60, 3600, 86_400];

/** Seconds, and what kubectl prints. */
const rows: readonly (readonly [number, string])[] = [
  [-5, '<invalid>'],
  [-2, '<invalid>'],
  [-1.9, '0s'],
  [-1, '0s'],
  [-0.5, '0s'],
  [0, '0s'],
  [0.9, '0s'],
  [1, '1s'],
  [70, '70s'],
  [119.9, '119s'],
  [2 * minute, '2m'],
  [2 * minute + 5, '2m5s'],
  [9 * minute + 59, '9m59s'],
  [10 * minute + 30, '10m'],
  [179 * minute, '179m'],
  [3 * hour, '3h'],
  [3 * hour + minute, '3h1m'],
  [7 * hour + 59 * minute, '7h59m'],
  [8 * hour + 30 * minute, '8h'],
  [47 * hour, '47h'],
  [2 * day, '2d'],
  [2 * day + 3 * hour, '2d3h'],
  [7 * day + 23 * hour, '7d23h'],
  [8 * day + 3 * hour, '8d'],
  [729 * day, '729d'],
  [730 * day, '2y'],
  [731 * day, '2y1d'],
  [8 * 365 * day - second, '7y364d'],
  [8 * 365 * day + 10 * day, '8y'],
];

describe('human durations', () => {
  for (const [seconds, text] of rows) {
    it(`${seconds} s: ${text}`, () => expect(humanDuration(seconds * 1000)).to.equal(text));
  }

  it('are ages of times', () => {
    const now = Date.parse('2026-01-02T00:00:00Z');
    expect(ageOf('2026-01-01T00:00:00Z', now)).to.equal('24h');
    expect(ageOf('2026-01-02T01:00:00+01:00', now)).to.equal('0s');
    expect(ageOf(undefined, now)).to.equal('<unknown>');
    expect(ageOf('yesterday', now)).to.equal('<unknown>');
  });
});
