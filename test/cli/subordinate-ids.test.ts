import { expect } from 'chai';
import { findRange } from '../../src/cli/subordinate-ids.ts';

const text = `# comment
ann:100000:65536
1001:300000:1000
bob:400000:1000
bob:500000:65536

carl:1:x
`;

describe('subordinate ids', () => {
  for (const [name, uid, expected] of [
    ['ann', 1000, { first: 100_000, count: 65_536 }],
    ['by-number', 1001, { first: 300_000, count: 1000 }],
    ['bob', 1002, { first: 500_000, count: 65_536 }],
    ['carl', 1003, undefined],
    ['nobody', 65_534, undefined],
  ] as const) {
    it(`${name}: ${expected === undefined ? 'none' : `${expected.first} and on`}`, () => {
      expect(findRange(text, name, uid)).to.deep.equal(expected);
    });
  }
});
