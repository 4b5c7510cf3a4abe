import { expect } from 'chai';
import { parseIdMap } from '../../src/util/user-namespace.ts';

describe('the ids of a user namespace', () => {
  for (const [text, expected] of [
    ['         0          0 4294967295\n', 'all'],
    ['         0       1000          1\n', 'one'],
    ['         0       1000          1\n         1     100000      65536\n', 'range'],
    ['         0     100000      65536\n', 'range'],
  ] as const) {
    it(`${JSON.stringify(text.trim().replaceAll(/\s+/g, ' '))}: ${expected}`, () => {
      expect(parseIdMap(text)).to.equal(expected);
    });
  }
});
