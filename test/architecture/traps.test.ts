import { expect } from 'chai';
import { testsByTrap } from '../../scripts/traps.ts';

/** How many places are known where builders of Dockerfiles go wrong. */
const trapCount = 80;

describe('architecture: traps', () => {
  it('each has a test that names its number', () => {
    const numbers = Array.from({ length: trapCount }, (_, index) => index + 1);
    expect([...testsByTrap().keys()].sort((a, b) => a - b)).to.deep.equal(numbers);
  });
});
