import { expect } from 'chai';
import { bytesToKeep, type StorageLimits } from '../../src/cli/prune-builder.ts';

const table: readonly [limits: StorageLimits, free: number, keep: number | undefined][] = [
  [{}, 50, undefined],
  [{ reserved: 30 }, 50, 30],
  [{ maxUsed: 40 }, 50, 40],
  [{ maxUsed: 400 }, 50, 100],
  [{ maxUsed: 40, reserved: 60 }, 50, 60],
  [{ minFree: 80 }, 50, 70],
  [{ minFree: 20 }, 50, 100],
  [{ minFree: 500 }, 50, 0],
  [{ minFree: 500, reserved: 20 }, 50, 20],
  [{ minFree: 80, maxUsed: 90 }, 50, 70],
  [{ minFree: 80, maxUsed: 10 }, 50, 10],
];

describe('bytesToKeep', () => {
  for (const [limits, free, keep] of table) {
    it(`of 100 with ${free} free under ${JSON.stringify(limits)}: ${keep}`, () => {
      expect(bytesToKeep(limits, { total: 100, free })).to.equal(keep);
    });
  }
});
