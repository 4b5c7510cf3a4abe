import { Flags } from '@oclif/core';
import { expect } from 'chai';
import { endFlagsAtFirstWord } from '../../src/cli/pass-through.ts';

const flags = {
  detach: Flags.boolean({ char: 'd' }),
  interactive: Flags.boolean({ char: 'i' }),
  tty: Flags.boolean({ char: 't' }),
  name: Flags.string(),
  env: Flags.string({ char: 'e', multiple: true }),
};

const rows: readonly (readonly [string, string])[] = [
  ['alpine ls -l', '-- alpine ls -l'],
  ['-d --name x alpine ls -l', '-d --name x -- alpine ls -l'],
  ['--name=x alpine', '--name=x -- alpine'],
  ['-it -e A=1 alpine -c x', '-it -e A=1 -- alpine -c x'],
  ['-eA=1 alpine', '-eA=1 -- alpine'],
  ['-dite A=1 alpine', '-dite A=1 -- alpine'],
  ['-d -- alpine -x', '-d -- alpine -x'],
  ['-d', '-d'],
];

describe('endFlagsAtFirstWord', () => {
  for (const [given, expected] of rows) {
    it(given, () => expect(endFlagsAtFirstWord(given.split(' '), flags).join(' ')).to.equal(expected));
  }
});
