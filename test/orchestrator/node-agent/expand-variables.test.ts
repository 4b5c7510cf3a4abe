import { expect } from 'chai';
import { expandVariables, unknownVariables } from '../../../src/orchestrator/node-agent/expand-variables.ts';

const variables = new Map([
  ['A', 'one'],
  ['B', '$(A)'],
  ['EMPTY', ''],
  ['a.b-c', 'dots'],
]);

/* What is written, and what it becomes. */
const table: readonly (readonly [string, string])[] = [
  ['', ''],
  ['plain', 'plain'],
  ['$(A)', 'one'],
  ['x$(A)y$(A)', 'xoneyone'],
  ['$(B)', '$(A)'],
  ['[$(EMPTY)]', '[]'],
  ['$(a.b-c)', 'dots'],
  ['$(NONE)', '$(NONE)'],
  ['$(NONE)$(A)', '$(NONE)one'],
  ['$$(A)', '$(A)'],
  ['$$$(A)', '$one'],
  ['$$$$(A)', '$$(A)'],
  ['$$', '$'],
  ['$', '$'],
  ['$A', '$A'],
  ['$ {A}', '$ {A}'],
  ['${A}', '${A}'],
  ['$(A', '$(A'],
  ['$()', '$()'],
  ['$(A)$', 'one$'],
  ['a$$b', 'a$b'],
  ['$(toString)', '$(toString)'],
];

describe('node agent: variables in env, command and args', () => {
  for (const [text, expected] of table) {
    it(`${JSON.stringify(text)} is ${JSON.stringify(expected)}`, () => {
      expect(expandVariables(text, variables)).to.equal(expected);
    });
  }

  it('are told where they are not known', () => {
    expect(unknownVariables('$(A)/$(X)/$$(Y)/$(Z)', variables)).to.deep.equal(['X', 'Z']);
  });
});
