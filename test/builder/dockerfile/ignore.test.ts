import { expect } from 'chai';
import { matchGlob } from '../../../src/builder/dockerfile/glob.ts';
import { parseIgnore } from '../../../src/builder/dockerfile/ignore.ts';
import { isHawserError } from '../../../src/errors/hawser-error.ts';

/** Patterns with blanks for line ends, a path, whether it is excluded. From the tables of moby/patternmatcher. */
const rows: readonly (readonly [string, string, boolean])[] = [
  ['**', 'file', true],
  ['**', 'dir/file', true],
  ['**/', 'file', true],
  ['**/**', 'dir/file', true],
  ['dir/**', 'dir/file', true],
  ['dir/**', 'dir/dir2/file', true],
  ['dir/**', 'dir', false],
  ['**/dir', 'dir', true],
  ['**/dir', 'dir/file', true],
  ['**/dir2/*', 'dir/dir2/file', true],
  ['**/dir2/*', 'dir/dir2/dir2/file', true],
  ['**/dir2/**', 'dir/dir2/dir2/file', true],
  ['**file', 'file', true],
  ['**file', 'dir/file', true],
  ['**file', 'dir/dir/file', true],
  ['**/file', 'dir/file', true],
  ['**/file*', 'dir/dir/file.txt', true],
  ['**/file*txt', 'dir/dir/file.txt', true],
  ['**/file*.txt', 'dir/dir/file.txt', true],
  ['**/file*.txt*', 'dir/dir/file.txt', true],
  ['**/**/*.txt', 'dir/dir/file.txt', true],
  ['**/**/*.txt2', 'dir/dir/file.txt', false],
  ['**/*.txt', 'file.txt', true],
  ['a**/*.txt', 'a/file.txt', true],
  ['a**/*.txt', 'a/dir/file.txt', true],
  ['a/*.txt', 'a/file.txt', true],
  ['a/*.txt', 'a/dir/file.txt', false],
  ['a[b-d]e', 'ace', true],
  ['a[b-d]e', 'ae', false],
  ['a[^b-d]e', 'aze', true],
  ['.*', '.foo', true],
  ['.*', 'foo', false],
  ['abc.def', 'abcdef', false],
  ['abc.def', 'abc.def', true],
  ['abc?def', 'abcZdef', true],
  ['abc?def', 'abc/def', false],
  ['a\\*b', 'a*b', true],
  ['a\\*b', 'aXb', false],
  ['a(b)c/def', 'a(b)c/def', true],
  ['a.|)$(}+{bc', 'a.|)$(}+{bc', true],
  ['dir', 'dir/file', true],
  ['dir', 'other/dir', false],
  ['/dir/', 'dir', true],
  ['./dir', 'dir/x', true],
  ['a/../b', 'b', true],
  ['dir !dir/file', 'dir/file', false],
  ['dir !dir/file', 'dir/other', true],
  ['!dir/file dir', 'dir/file', true],
  ['* !a/b', 'a/b', false],
  ['* !a/b', 'a/c', true],
  ['* !a', 'a/b', false],
  ['*.md !README*.md README-secret.md', 'README-secret.md', true],
  ['*.md !README*.md README-secret.md', 'README-1.md', false],
  ['docs !docs/a docs/a/b', 'docs/a/b/c', true],
  ['한*', '한국', true],
  ['**/*a*a*a*b', `x/${'a'.repeat(500)}`, false],
];

describe('.dockerignore', () => {
  for (const [patterns, path, excluded] of rows) {
    it(`${patterns} ${excluded ? 'excludes' : 'keeps'} ${path.slice(0, 40)}`, () => {
      const matcher = parseIgnore(patterns.split(' ').join('\n'), { file: '.dockerignore' });
      expect(matcher.excludes(path)).to.equal(excluded);
    });
  }

  it('takes comments in the first column only, BOM, CRLF and blanks around', () => {
    const matcher = parseIgnore('\ufeff# no\r\n  a  \r\n # b\r\n! c\r\n\r\n', { file: '.dockerignore' });
    expect(matcher.patterns.map(pattern => [pattern.text, pattern.line])).to.deep.equal([
      ['a', 2],
      ['# b', 3],
      ['! c', 4],
    ]);
  });

  it('says which line excluded a path, through folders', () => {
    const matcher = parseIgnore('# x\nbuild\n!build/keep\nbuild/keep/tmp\n', { file: '.dockerignore' });
    expect(matcher.explain('build/a/b')?.line).to.equal(2);
    expect(matcher.explain('build/keep/x')).to.equal(undefined);
    expect(matcher.explain('build/keep/tmp/y')?.line).to.equal(4);
  });

  it('knows where a walk must descend', () => {
    const below = (text: string, folder: string): boolean =>
      parseIgnore(text, { file: '.dockerignore' }).couldIncludeBelow(folder);
    expect(below('*\n!a/b', 'a')).to.equal(true);
    expect(below('*\n!a/b', 'c')).to.equal(false);
    expect(below('*\n!a/b', 'a/b')).to.equal(false);
    expect(below('*\n!**/x', 'c/d')).to.equal(true);
    expect(below('*\n!a*/x', 'ab')).to.equal(true);
    expect(below('*\n!a*/x', 'b')).to.equal(false);
    expect(below('a', 'a')).to.equal(false);
  });

  const refused: readonly (readonly [string, number, number])[] = [
    ['a\n!\n', 2, 1],
    ['a\n  [b\n', 2, 3],
    ['a\\', 1, 1],
  ];
  for (const [text, line, column] of refused) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      try {
        parseIgnore(text, { file: '.dockerignore' });
        expect.fail('it was accepted');
      } catch (error) {
        if (!isHawserError(error, 'DOCKERFILE_INVALID')) throw error;
        expect([error.location?.line, error.location?.column]).to.deep.equal([line, column]);
      }
    });
  }
});

/** Go's own table of filepath.Match; undefined is ErrBadPattern. */
const globs: readonly (readonly [string, string, boolean | undefined])[] = [
  ['abc', 'abc', true],
  ['*', 'abc', true],
  ['*c', 'abc', true],
  ['a*', 'a', true],
  ['a*', 'abc', true],
  ['a*', 'ab/c', false],
  ['a*/b', 'abc/b', true],
  ['a*/b', 'a/c/b', false],
  ['a*b*c*d*e*/f', 'axbxcxdxe/f', true],
  ['a*b*c*d*e*/f', 'axbxcxdxexxx/f', true],
  ['a*b*c*d*e*/f', 'axbxcxdxe/xxx/f', false],
  ['a*b*c*d*e*/f', 'axbxcxdxexxx/fff', false],
  ['a*b?c*x', 'abxbbxdbxebxczzx', true],
  ['a*b?c*x', 'abxbbxdbxebxczzy', false],
  ['ab[c]', 'abc', true],
  ['ab[b-d]', 'abc', true],
  ['ab[e-g]', 'abc', false],
  ['ab[^c]', 'abc', false],
  ['ab[^b-d]', 'abc', false],
  ['ab[^e-g]', 'abc', true],
  ['a\\*b', 'a*b', true],
  ['a\\*b', 'ab', false],
  ['a?b', 'a☺b', true],
  ['a[^a]b', 'a☺b', true],
  ['a???b', 'a☺b', false],
  ['[a-ζ]*', 'α', true],
  ['*[a-ζ]', 'A', false],
  ['a?b', 'a/b', false],
  ['a*b', 'a/b', false],
  ['[\\]a]', ']', true],
  ['[\\-]', '-', true],
  ['[x\\-]', '-', true],
  ['[\\-x]', 'a', false],
  ['[]a]', ']', undefined],
  ['[-]', '-', undefined],
  ['[x-]', 'x', undefined],
  ['[-x]', 'x', undefined],
  ['\\', 'a', undefined],
  ['[a-b-c]', 'a', undefined],
  ['[', 'a', undefined],
  ['[^', 'a', undefined],
  ['[^bc', 'a', undefined],
  ['a[', 'ab', undefined],
  ['*x', 'xxx', true],
  ['', '', true],
];

describe('filepath.Match', () => {
  for (const [pattern, name, expected] of globs) {
    it(`${pattern} on ${name} is ${expected}`, () => expect(matchGlob(pattern, name)).to.equal(expected));
  }
});
