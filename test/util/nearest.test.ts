import { expect } from 'chai';
import { nearest } from '../../src/util/nearest.ts';

const rows: readonly (readonly [string, readonly string[], string | undefined])[] = [
  ['RUM', ['RUN', 'ENV'], 'RUN'],
  ['form', ['FROM', 'COPY'], 'FROM'],
  ['biuld', ['build', 'pull'], 'build'],
  ['xyz', ['build', 'pull'], undefined],
  ['', ['a'], 'a'],
];

describe('nearest', () => {
  for (const [word, candidates, expected] of rows) {
    it(`${word} → ${expected}`, () => expect(nearest(word, candidates)).to.equal(expected));
  }
});
