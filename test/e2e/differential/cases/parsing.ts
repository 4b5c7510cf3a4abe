import type { ComparedCase } from '../case.ts';

const files = { f: 'f', g: 'g' };

/** The text of a Dockerfile, its stages, and .dockerignore. */
export const parsingCases: readonly ComparedCase[] = [
  {
    name: 'trap 73: continuations, comments and blank lines between',
    dockerfile:
      'FROM busybox\nRUN echo one \\\n# a comment\n    # another one\n\n   two \\   \n && echo three > /out\n',
  },
  {
    name: 'trap 73: two backslashes at the end of a line continue nothing',
    dockerfile: 'FROM busybox\nLABEL a=x\\\\\nLABEL b=y\n',
  },
  {
    name: 'trap 73: leading blanks of continued lines stay',
    dockerfile: 'FROM busybox\nRUN echo "a\\\n   b" > /out\nENV A="x\\\n    y"\n',
  },
  {
    name: 'trap 74: # escape=`',
    files,
    dockerfile:
      '# escape=`\nFROM busybox\nCOPY f `\n  /x\nRUN echo a `\n  b > /out\nENV A=c:\\dir B=a` b C="q`"r"\n',
  },
  {
    name: 'trap 76: JSON that is none is a line for the shell',
    dockerfile: 'FROM busybox\nCMD ["a", ]\nENTRYPOINT [\'single\']\nRUN [ -d / ] && touch /out\n',
  },
  {
    name: 'trap 76: JSON with something else than strings',
    dockerfile: 'FROM busybox\nCMD ["a", 1]\n',
    fails: true,
  },
  {
    name: 'lines that end as on Windows',
    files,
    dockerfile: 'FROM busybox\r\nCOPY f \\\r\n  /x\r\nRUN echo a > /out\r\nLABEL a=b\r\n',
  },
  {
    name: 'a byte order mark, tabs, blanks and any case',
    files,
    dockerfile: '\ufeffFrom\tbusybox\n\n   \t# comment\n\tcopy\t f\t\t/x \n  rUn touch /y\nlabel A=b\n',
  },
  { name: 'no newline at the end', dockerfile: 'FROM busybox\nRUN touch /x' },
  {
    name: 'directives that are none any more',
    dockerfile: '# comment\n# escape=`\nFROM busybox\nLABEL a=b\\\nc\n',
  },
  { name: 'an empty file', dockerfile: '', fails: true },
  { name: 'comments only', dockerfile: '# nothing\n', fails: true },
  { name: 'an unknown instruction', dockerfile: 'FROM busybox\nRUM true\n', fails: true },
  { name: 'an unknown flag', files, dockerfile: 'FROM busybox\nCOPY --chowm=1 f /x\n', fails: true },
  { name: 'a line before FROM', dockerfile: 'RUN true\nFROM busybox\n', fails: true },
  { name: 'FROM with too many words', dockerfile: 'FROM busybox AS a b\n', fails: true },
  { name: 'a stage that begins with a digit', dockerfile: 'FROM busybox AS 1st\n', fails: true },
  {
    name: 'stages that nothing needs are not built',
    args: ['--target', 'Wanted'],
    dockerfile:
      'FROM busybox AS broken\nRUN false\nFROM nothing-such AS unknown\nFROM busybox AS base\nRUN touch /base\nFROM base AS wanted\nRUN touch /wanted\nFROM broken\n',
  },
  {
    name: 'a target that is no stage',
    args: ['--target', 'none'],
    dockerfile: 'FROM busybox AS a\n',
    fails: true,
  },
  {
    name: 'stages on stages',
    dockerfile:
      'FROM busybox AS a\nENV A=1\nWORKDIR /a\nFROM a AS b\nENV B=2\nRUN touch b\nFROM b\nRUN echo "$A$B" > c\n',
  },
  {
    name: 'an image that is only stages of scratch',
    files,
    dockerfile:
      'FROM scratch AS a\nCOPY f /\nFROM scratch AS b\nCOPY g /\nFROM scratch\nCOPY --from=a / /a/\nCOPY --from=b / /b/\n',
  },
  {
    name: 'FROM --platform',
    dockerfile:
      'FROM --platform=$BUILDPLATFORM busybox AS a\nRUN touch /a\nFROM --platform=linux/amd64 busybox\nCOPY --from=a /a /a\n',
  },
  {
    name: 'FROM --platform that is none',
    dockerfile: 'FROM --platform=not/a/real/one busybox\n',
    fails: true,
  },
  {
    name: 'trap 78: .dockerignore with comments, negations and wildcards',
    files: {
      '.dockerignore':
        '# comment\n*.log\n!keep.log\n/build\n**/tmp\nsub/*\n!sub/kept\n?x\n\n  spaced  \n#not-a-comment-here\n',
      'a.log': '',
      'keep.log': '',
      'deep/b.log': '',
      'build/x': '',
      'deep/build/y': '',
      'tmp/z': '',
      'deep/tmp/z': '',
      'sub/gone': '',
      'sub/kept/f': '',
      ax: '',
      bx: '',
      spaced: '',
      c: '',
    },
    dockerfile: 'FROM scratch\nCOPY . /x/\n',
  },
  {
    name: 'trap 78: all hidden but what is below',
    files: { '.dockerignore': '*\n!a/b\n!c\nc/d\n', 'a/b': '', 'a/e': '', 'c/d': '', 'c/f': '', g: '' },
    dockerfile: 'FROM scratch\nCOPY . /x/\n',
  },
  {
    name: "trap 78: the Dockerfile's own ignore file",
    files: { '.dockerignore': 'a\n', 'Dockerfile.dockerignore': 'b\n', a: '', b: '' },
    dockerfile: 'FROM scratch\nCOPY . /x/\n',
  },
  {
    name: 'trap 78: an exclamation mark alone',
    files: { '.dockerignore': '!\n' },
    dockerfile: 'FROM scratch\nCOPY . /x/\n',
    fails: true,
  },
  {
    name: 'trap 78: a source that is hidden',
    files: { ...files, '.dockerignore': 'f\n' },
    dockerfile: 'FROM scratch\nCOPY f /x\n',
    fails: true,
  },
  {
    name: 'trap 78: stages are not filtered',
    files: { '.dockerignore': 'f\n' },
    dockerfile: 'FROM busybox AS a\nRUN echo own > /f\nFROM scratch\nCOPY --from=a /f /own\n',
  },
  {
    name: '-f names another file',
    files: { 'docker/other': 'FROM scratch\nCOPY f /other\n', f: 'f' },
    args: ['-f', 'CONTEXT/docker/other'],
    dockerfile: 'FROM nothing-such\n',
  },

  {
    name: 'trap 78: patterns of many kinds',
    files: {
      '.dockerignore': 'a*/b\n**/*.tmp\n!**/keep.tmp\n/c/\nd/**/e\n[f-g]x\n\\#h\n i \nj/../k\n.\n',
      'a1/b/f': '',
      'a1/c': '',
      'x.tmp': '',
      'q/keep.tmp': '',
      'q/y.tmp': '',
      'c/f': '',
      'q/c/f': '',
      'd/1/2/e': '',
      'd/e': '',
      fx: '',
      hx: '',
      '#h': '',
      i: '',
      k: '',
      z: '',
    },
    dockerfile: 'FROM scratch\nCOPY . /x/\n',
  },
  {
    name: 'trap 78: the Dockerfile and the ignore file are hidden, and read all the same',
    files: { '.dockerignore': 'Dockerfile\n.dockerignore\n', f: '' },
    dockerfile: 'FROM scratch\nCOPY . /x/\n',
  },
  {
    name: 'trap 78: with a byte order mark and lines as on Windows',
    files: { '.dockerignore': '\ufeffa\r\nb\r\n', a: '', b: '', c: '' },
    dockerfile: 'FROM scratch\nCOPY . /x/\n',
  },
  {
    name: 'trap 73: a comment that ends with a backslash, and a continuation at the end',
    dockerfile: 'FROM busybox\n# comment \\\nRUN touch /x\nRUN touch /y \\\n',
  },
  {
    name: 'trap 73: hash signs inside words and lines',
    dockerfile: 'FROM busybox\nRUN echo a#b > /out # and this\nENV A=#b C="# d"\nLABEL e=f#g\n',
  },
  { name: 'ENV without words', dockerfile: 'FROM busybox\nENV\n', fails: true },
  { name: 'ENV without a value', dockerfile: 'FROM busybox\nENV A\n', fails: true },
  { name: 'words after what takes one', dockerfile: 'FROM busybox\nUSER a b\nWORKDIR /c d\n' },
  { name: 'a quote that is not closed', dockerfile: 'FROM busybox\nENV A="b\n', fails: true },
  { name: 'a variable that is not closed', dockerfile: 'FROM busybox\nENV A=${B\n', fails: true },
];
