import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { mapPool } from '../../src/util/pool.ts';

describe('mapPool', () => {
  it('keeps the order and the limit', async () => {
    let running = 0;
    let peak = 0;
    const results = await mapPool(
      [3, 1, 2, 5, 4],
      async item => {
        peak = Math.max(peak, ++running);
        await delay(item);
        running--;
        return item * 2;
      },
      { limit: 2 },
    );
    expect(results).to.deep.equal([6, 2, 4, 10, 8]);
    expect(peak).to.equal(2);
  });

  it('stops after a failure, and throws it once the running tasks ended', async () => {
    const seen: number[] = [];
    let thrown: unknown;
    try {
      await mapPool(
        [1, 2, 3, 4],
        async item => {
          seen.push(item);
          if (item === 1) throw new Error('first');
          await delay(5);
        },
        { limit: 2 },
      );
    } catch (error) {
      thrown = error;
    }
    expect(String(thrown)).to.equal('Error: first');
    expect(seen).to.deep.equal([1, 2]);
  });
});
