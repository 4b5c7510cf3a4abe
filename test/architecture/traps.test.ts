import { expect } from 'chai';
import { testsByTrap } from '../../scripts/traps.ts';

/** How many places are known where builders of Dockerfiles go wrong. */
const trapCount = 80;

/** And where clients of registries do. */
const clientTrapCount = 20;

describe('architecture: traps', () => {
  it('each has a test that names its number', () => {
    const numbers = Array.from({ length: trapCount }, (_, index) => index + 1);
    expect([...testsByTrap().keys()].sort((a, b) => a - b)).to.deep.equal(numbers);
  });

  it('of clients of registries has each a test that names its number', () => {
    const numbers = Array.from({ length: clientTrapCount }, (_, index) => index + 1);
    const found = [...testsByTrap(/\bclient trap #(\d{1,2})\b/g).keys()];
    expect(found.sort((a, b) => a - b)).to.deep.equal(numbers);
  });
});
