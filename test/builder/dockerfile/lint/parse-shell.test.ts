import { expect } from 'chai';
import { array, assert, constantFrom, oneof, property, string } from 'fast-check';
import { invocationOf } from '../../../../src/builder/dockerfile/lint/shell/invocation.ts';
import { parseShell } from '../../../../src/builder/dockerfile/lint/shell/parse-shell.ts';

interface Row {
  readonly script: string;
  /** Each command as its words' values, `?` for one that only the shell knows. */
  readonly commands: readonly string[];
  readonly isChain?: boolean;
}

const rows: readonly Row[] = [
  { script: '', commands: [] },
  { script: 'a b  c', commands: ['a b c'] },
  { script: 'a && b | c', commands: ['a', 'b', 'c'] },
  { script: 'a || b', commands: ['a', 'b'], isChain: false },
  { script: 'a; b', commands: ['a', 'b'], isChain: false },
  { script: 'a & b', commands: ['a', 'b'], isChain: false },
  { script: 'a\nb', commands: ['a', 'b'], isChain: false },
  { script: 'a \\\n  && b \\\n  c', commands: ['a', 'b c'] },
  { script: 'a # b && c\nd', commands: ['a', 'd'], isChain: false },
  { script: 'a#b', commands: ['a#b'] },
  { script: `a 'b && c' "d; e"`, commands: ['a b && c d; e'] },
  { script: `a "it's"`, commands: [`a it's`] },
  { script: String.raw`a \&\& b\ c`, commands: ['a && b c'] },
  { script: 'a $b ${c:-d e} $(f && g) `h; i` $((1 + 2))', commands: ['a ? ? ? ? ?'] },
  { script: `a $(echo ')' ; b) c`, commands: ['a ? c'] },
  { script: 'A=1 B=$c d e=f', commands: ['d e=f'] },
  { script: 'A=1', commands: [''] },
  { script: 'a > b 2>&1 && c', commands: ['a > b 2>&1', 'c'] },
  { script: '(a && b)', commands: ['a', 'b'], isChain: false },
  { script: '{ a; }', commands: ['a'], isChain: false },
  { script: 'if a; then b; else c; fi', commands: ['a', 'b', 'c'], isChain: false },
  { script: 'for x in y z; do a; done', commands: ['x in y z', 'a'], isChain: false },
  { script: '! a', commands: ['a'], isChain: false },
  { script: 'a "if" then', commands: ['a if then'] },
  { script: 'cat <<X\nb\nX', commands: ['cat <<X', 'b', 'X'], isChain: false },
  { script: `a 'b`, commands: ['a b'], isChain: false },
  { script: 'a "b', commands: ['a b'], isChain: false },
  { script: 'a $(b', commands: ['a ?'], isChain: false },
  { script: 'a \\', commands: ['a '], isChain: false },
  { script: 'a\u00A0b\u000Bc\u2028d', commands: ['a\u00A0b\u000Bc\u2028d'] },
];

/** Texts of what shell scripts are made of, put together at random. */
const scripts = array(
  oneof(
    constantFrom(...'ab \t\r\n\\\'"`$(){}[]<>|&;#=!*\u000B\u00A0\u2028'),
    constantFrom('&&', '||', ';;', '<<', '$(', '${', '2>&1', ' if ', 'A=', '\\\n'),
    string({ unit: 'binary', maxLength: 2 }),
  ),
  { maxLength: 40 },
).map(parts => parts.join(''));

describe('shell scripts of RUN lines', () => {
  for (const { script, commands, isChain = true } of rows) {
    it(JSON.stringify(script), () => {
      const shell = parseShell(script);
      const values = shell.commands.map(({ words }) => words.map(({ value = '?' }) => value).join(' '));
      expect({ commands: values, isChain: shell.isChain }).to.deep.equal({ commands, isChain });
    });
  }

  it('end for any text, their words as written and in order', () => {
    assert(
      property(scripts, script => {
        let last = 0;
        for (const command of parseShell(script).commands) {
          for (const { start, end, raw } of [...command.assignments, ...command.words]) {
            expect(raw).to.equal(script.slice(start, end)).and.not.equal('');
            expect(start).to.be.at.least(last);
            last = end;
          }
          invocationOf(command);
        }
        expect(last).to.be.at.most(script.length);
      }),
      { numRuns: 2000 },
    );
  });
});
