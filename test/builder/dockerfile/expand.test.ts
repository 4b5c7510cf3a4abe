import { expect } from 'chai';
import type { EscapeToken } from '../../../src/builder/dockerfile/ast.ts';
import { expandText, expandWord } from '../../../src/builder/dockerfile/expand.ts';
import { isHawserError } from '../../../src/errors/hawser-error.ts';

const variables = new Map([
  ['v', 'foo.tar.gz'],
  ['path', '/usr/local/bin'],
  ['star', 'a*b'],
  ['lines', 'ab\ncb'],
  ['empty', ''],
  ['spaces', ' a  b '],
]);

const rows: readonly (readonly [string, string, EscapeToken?])[] = [
  ['${v#*.}', 'tar.gz'],
  ['${v##*.}', 'gz'],
  ['${v%.*}', 'foo.tar'],
  ['${v%%.*}', 'foo'],
  ['${v#x}', 'foo.tar.gz'],
  ['${v%???}', 'foo.tar'],
  ['${star#a\\*}', 'b'],
  ['${star#a?}', 'b'],
  ['${path/local/x}', '/usr/x/bin'],
  ['${path//\\//-}', '-usr-local-bin'],
  ['${path/b*n/}', '/usr/local/'],
  ['${path//o/$0}', '/usr/lcal/bin'],
  ['${path/o/a}', '/usr/lacal/bin'],
  ['${path//l*a/X}', '/usr/Xl/bin'],
  ['${empty//x/y}', ''],
  ['${v//*/x}', 'x'],
  ['${lines//b/x}', 'ax\ncx'],
  ['${lines/a*b/x}', 'x\ncb'],
  ['${nothing-${v%%.*}}', 'foo'],
  ['${empty-x}', ''],
  ['${empty:-x}', 'x'],
  ['${empty+x}', 'x'],
  ['${empty:+x}', ''],
  ['`$v', '$v', '`'],
  ['\\$v', '\\foo.tar.gz', '`'],
  ['"`"$v`""', '"foo.tar.gz"', '`'],
  ['C:\\dir', 'C:\\dir', '`'],
  ["'$v'", '$v'],
  ['${v}${v}', 'foo.tar.gzfoo.tar.gz'],
  ['\\😀', '😀'],
];

describe('expandWord', () => {
  for (const [word, expected, escape = '\\'] of rows) {
    it(`${word} is ${JSON.stringify(expected)}`, () => {
      expect(expandWord(word, variables, { escape }).text).to.equal(expected);
    });
  }

  const refused: readonly (readonly [string, string])[] = [
    ['${v/foo}', "syntax error: missing '/' in ${}"],
    ['${v/foo/bar', "syntax error: missing '}'"],
    ['${nothing?say why}', 'nothing: say why'],
    ['${nothing:?}', 'nothing: is not allowed to be unset'],
    ['${empty:?}', 'empty: is not allowed to be empty'],
    ['${v^^}', 'unsupported modifier (^) in substitution'],
    ['${v:=x}', 'unsupported modifier (:=) in substitution'],
    ['${v#\\a}', "invalid pattern (\\a) in substitution: invalid escape '\\a'"],
    ['${a:-'.repeat(50_000), 'syntax error: substitutions are nested too deeply'],
  ];
  for (const [word, message] of refused) {
    it(`refuses ${word.slice(0, 30)}`, () => {
      const location = { file: 'Dockerfile', line: 7 };
      try {
        expandWord(word, variables, { escape: '\\', location: () => location });
        expect.fail('it was accepted');
      } catch (error) {
        if (!isHawserError(error, 'DOCKERFILE_INVALID')) throw error;
        expect(error.message).to.contain(message);
        expect(error.location).to.equal(location);
      }
    });
  }

  it('says which variables were used and which have no value', () => {
    const { used, unset } = expandWord('$v ${path} ${no:-$neither} $v', variables, { escape: '\\' });
    expect([...used]).to.deep.equal(['v', 'path']);
    expect([...unset].toSorted()).to.deep.equal(['neither', 'no']);
  });

  it('splits after expansion, not inside quotes', () => {
    expect(expandWord('x$spaces"y z"', variables, { escape: '\\' }).words).to.deep.equal([
      'x',
      'a',
      'b',
      'y z',
    ]);
  });

  it('takes a pattern against a long value in linear time', () => {
    const long = new Map([['v', 'a'.repeat(1_000_000)]]);
    expect(expandWord('${v//*a*a*a*b/x}', long, { escape: '\\' }).text).to.have.length(1_000_000);
    expect(expandWord('${v##*a*a*a*b}', long, { escape: '\\' }).text).to.have.length(1_000_000);
  });
});

describe('expandText', () => {
  it('leaves quotes alone', () => {
    expect(expandText(`"$v" 'it' \\$v \${no:-x}\n`, variables).text).to.equal(`"foo.tar.gz" 'it' $v x\n`);
  });
});
