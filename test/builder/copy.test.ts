import { linkSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { expect } from 'chai';
import { BuildSandbox, type ContextFile, errorOf } from './support.ts';

interface CopyCase {
  readonly name: string;
  readonly files: Readonly<Record<string, ContextFile>>;
  /** Below FROM scratch. */
  readonly lines: string;
  /** Of the last layer. */
  readonly layer: readonly string[];
}

const tree = { 'd/a': 'a', 'd/sub/b': 'b', 'd/link': { link: 'a' }, f: 'f', 'g.txt': 'g' } as const;
const link = 'l0777 0:0';

/** The numbers are those of the traps in BuildKit's semantics that the case is about. */
const cases: readonly CopyCase[] = [
  { name: 'trap 01: a file to a path', files: tree, lines: 'COPY f /x', layer: ['-0644 0:0 x'] },
  {
    name: 'trap 01: a file into a folder by its slash',
    files: tree,
    lines: 'COPY f /x/',
    layer: ['d0755 0:0 x', '-0644 0:0 x/f'],
  },
  {
    name: 'trap 01: a file into a folder that is there',
    files: tree,
    lines: 'COPY f /x/y\nCOPY g.txt /x',
    layer: ['d0755 0:0 x', '-0644 0:0 x/g.txt'],
  },
  {
    name: 'trap 03: a folder that is made gets 0755 and root, whatever the source has',
    files: { 'd/a': 'a', d: { folder: true, mode: 0o700 } },
    lines: 'COPY d /x',
    layer: ['d0755 0:0 x', '-0644 0:0 x/a'],
  },
  {
    name: 'trap 02: a folder copies what it holds, with a slash or a dot at its end too',
    files: { 'd/a': 'a', 'e/b': 'b', 'f/c': 'c' },
    lines: 'COPY d e/ f/. /x',
    layer: ['d0755 0:0 x', '-0644 0:0 x/a', '-0644 0:0 x/b', '-0644 0:0 x/c'],
  },
  {
    name: 'trap 04: a folder below the top takes the source mode',
    files: { 'one/s/a': 'a', 'two/s/b': 'b', 'two/s': { folder: true, mode: 0o711 } },
    lines: 'COPY one /x\nCOPY two /x',
    layer: ['d0755 0:0 x', 'd0711 0:0 x/s', '-0644 0:0 x/s/b'],
  },
  {
    name: 'trap 05: --chown and --chmod reach the parents that are made',
    files: tree,
    lines: 'COPY --chown=5:6 --chmod=0777 f /x/y/f',
    layer: ['d0777 5:6 x', 'd0777 5:6 x/y', '-0777 5:6 x/y/f'],
  },
  {
    name: 'trap 05: letters of --chmod reach what is copied, not the parents that are made',
    files: { f: { content: '', mode: 0o600 }, 'd/a': { content: '', mode: 0o755 } },
    lines: 'COPY --chmod=u+x,go=r f d /x/y/',
    layer: ['d0755 0:0 x', 'd0755 0:0 x/y', '-0744 0:0 x/y/a', '-0744 0:0 x/y/f'],
  },
  {
    name: 'trap 06: several sources to one path: the last wins',
    files: { a: '1', b: '22' },
    lines: 'COPY a b /x',
    layer: ['-0644 0:0 x'],
  },
  { name: 'trap 07: a wildcard without a match', files: tree, lines: 'COPY nope* /x/', layer: [] },
  {
    name: 'trap 08: a wildcard does not cross a slash',
    files: { 'd/a.txt': '', 'd/e/b.txt': '', 'c.txt': '' },
    lines: 'COPY */*.txt *.txt /x/',
    layer: ['d0755 0:0 x', '-0644 0:0 x/a.txt', '-0644 0:0 x/c.txt'],
  },
  { name: 'trap 09: .. stops at the context', files: tree, lines: 'COPY ../../f /x', layer: ['-0644 0:0 x'] },
  {
    name: 'trap 10: a link at the top is followed, by its name or by a wildcard',
    files: { 'd/a': 'a', 'd/b': 'b', l: { link: 'd/a' }, dl: { link: 'd' }, el: { link: './d' } },
    lines: 'COPY l dl e* /x/',
    layer: ['d0755 0:0 x', '-0644 0:0 x/a', '-0644 0:0 x/b', '-0644 0:0 x/l'],
  },
  {
    name: 'trap 10: links inside a folder stay links',
    files: tree,
    lines: 'COPY d /x',
    layer: ['d0755 0:0 x', '-0644 0:0 x/a', `${link} x/link -> a`, 'd0755 0:0 x/sub', '-0644 0:0 x/sub/b'],
  },
  {
    name: 'trap 11: an absolute link counts from the context root',
    files: { 'd/a': 'a', l: { link: '/d/a' }, dl: { link: 'd' } },
    lines: 'COPY l dl /x/',
    layer: ['d0755 0:0 x', '-0644 0:0 x/a', '-0644 0:0 x/l'],
  },
  {
    name: 'trap 12: a link in the target is followed inside the image',
    files: { 'tree/l': { link: '/real/deep' }, f: 'f' },
    lines: 'COPY tree /\nCOPY f /l/',
    layer: ['d0755 0:0 real', 'd0755 0:0 real/deep', '-0644 0:0 real/deep/f'],
  },
  {
    name: 'trap 12: with --link a link in the target gives way to a folder',
    files: { 'tree/l': { link: '/real' }, f: 'f' },
    lines: 'COPY tree /\nCOPY --link f /l/',
    layer: ['d0755 0:0 l', '-0644 0:0 l/f'],
  },
  {
    name: 'a file onto a link to a file writes through the link',
    files: { 'tree/l': { link: 'real' }, 'tree/real': 'old', f: 'newer' },
    lines: 'COPY tree /x\nCOPY f /x/l',
    layer: ['d0755 0:0 x', '-0644 0:0 x/real'],
  },
  {
    name: 'trap 14: a link over a link replaces it',
    files: { 'one/l': { link: 'a' }, 'two/l': { link: 'b' } },
    lines: 'COPY one /x/\nCOPY two /x/',
    layer: ['d0755 0:0 x', `${link} x/l -> b`],
  },
  {
    name: 'trap 15: an empty target and a dot are WORKDIR',
    files: { a: '', b: '' },
    lines: 'WORKDIR /w\nARG e\nCOPY a $e\nCOPY b .',
    layer: ['d0755 0:0 w', '-0644 0:0 w/b'],
  },
  {
    name: 'trap 15: a slash at the end of an expanded target says a folder',
    files: { a: '' },
    lines: 'ARG to=/x/\nCOPY a $to',
    layer: ['d0755 0:0 x', '-0644 0:0 x/a'],
  },
  {
    name: 'trap 16: the JSON form and a bracket in a name',
    files: { 'a b': '', 'c[1]': '' },
    lines: 'COPY ["a b", "c[[]1]", "/x/"]',
    layer: ['d0755 0:0 x', '-0644 0:0 x/a b', '-0644 0:0 x/c[1]'],
  },
  {
    name: 'trap 19: setuid and sticky bits stay, also through --chown',
    files: { s: { content: '', mode: 0o4755 }, 'd/t': { folder: true, mode: 0o1777 } },
    lines: 'COPY --chown=7:8 s d /x/',
    layer: ['d0755 7:8 x', '-4755 7:8 x/s', 'd1777 7:8 x/t'],
  },
  {
    name: 'trap 17: what comes from the context belongs to root, whatever USER says',
    files: tree,
    lines: 'USER 9:9\nCOPY f /x',
    layer: ['-0644 0:0 x'],
  },
  {
    name: 'trap 18: a number alone for --chown is the group too',
    files: tree,
    lines: 'COPY --chown=7 f /x',
    layer: ['-0644 7:7 x'],
  },
  {
    name: 'trap 22: --exclude counts from each source folder, and ! takes back',
    files: { 'one/a.txt': '', 'one/b': '', 'one/s/c.txt': '', 'two/a.txt': '', 'two/keep/d.txt': '' },
    lines: 'COPY --exclude=**/*.txt --exclude=!keep/d.txt o* two /x/',
    layer: ['d0755 0:0 x', '-0644 0:0 x/b', 'd0755 0:0 x/keep', '-0644 0:0 x/keep/d.txt', 'd0755 0:0 x/s'],
  },
  {
    name: 'trap 22: an excluded folder may have children that are not',
    files: { 'd/s/a': '', 'd/s/b': '', 'd/s': { folder: true, mode: 0o711 }, 'd/t/c': '' },
    lines: 'COPY --exclude=s --exclude=t --exclude=!s/a d /x',
    layer: ['d0755 0:0 x', 'd0711 0:0 x/s', '-0644 0:0 x/s/a'],
  },
  {
    name: 'trap 22: --exclude does not concern a source that is a file itself',
    files: { 'a.txt': '', b: '' },
    lines: 'COPY --exclude=*.txt a.txt b /x/',
    layer: ['d0755 0:0 x', '-0644 0:0 x/a.txt', '-0644 0:0 x/b'],
  },
  {
    name: 'variables in --exclude stay as they are',
    files: { 'd/$a': '', 'd/b': '' },
    lines: 'ARG a=b\nCOPY --exclude=$a d /x',
    layer: ['d0755 0:0 x', '-0644 0:0 x/b'],
  },
  {
    name: 'trap 23: --parents keeps the folders from the root, with their modes',
    files: { 'a/b/c': '', 'a/b': { folder: true, mode: 0o750 }, 'a/d': '', e: '' },
    lines: 'COPY --parents a/b/c ./e /x/',
    layer: ['d0755 0:0 x', 'd0755 0:0 x/a', 'd0750 0:0 x/a/b', '-0644 0:0 x/a/b/c', '-0644 0:0 x/e'],
  },
  {
    name: 'trap 23: --parents keeps them from the first /./ on',
    files: { 'a/b/c/d': '', 'a/b/e': '' },
    lines: 'COPY --parents a/./b/./c /x/',
    layer: ['d0755 0:0 x', 'd0755 0:0 x/b', 'd0755 0:0 x/b/c', '-0644 0:0 x/b/c/d'],
  },
  {
    name: 'trap 23: with --parents ** reaches any depth, also below several starts',
    files: { 'a/b/c/d/e/x': '', 'a/b2/c/d/e/y': '', 'a/b/c/n': '' },
    lines: 'COPY --parents a/b*/./c/**/e /x/',
    layer: [
      'd0755 0:0 x',
      'd0755 0:0 x/c',
      'd0755 0:0 x/c/d',
      'd0755 0:0 x/c/d/e',
      '-0644 0:0 x/c/d/e/x',
      '-0644 0:0 x/c/d/e/y',
    ],
  },
  {
    name: 'trap 23: --parents wants nothing of a wildcard',
    files: { 'a/b': '' },
    lines: 'COPY --parents a/no*/c /x/',
    layer: ['d0755 0:0 x'],
  },
  {
    name: 'trap 23: --parents leaves the owner and time of folders that are there, and sets their modes',
    files: { 'a/b': '', a: { folder: true, mode: 0o700 } },
    lines: 'COPY --chown=5 --parents a/b /x/\nCOPY --parents a/b /x/',
    layer: ['d0755 5:5 x', 'd0700 5:5 x/a', '-0644 0:0 x/a/b'],
  },
  {
    name: '--parents with --exclude',
    files: { 'a/b/c.go': '', 'a/b/c_test.go': '', 'a/d.go': '' },
    lines: 'COPY --parents --exclude=**/*_test.go **/*.go /x/',
    layer: ['d0755 0:0 x', 'd0755 0:0 x/a', 'd0755 0:0 x/a/b', '-0644 0:0 x/a/b/c.go', '-0644 0:0 x/a/d.go'],
  },
  {
    name: 'trap 24: --chmod takes --link away: a link in the target is followed',
    files: { 'tree/l': { link: '/real' }, f: 'f' },
    lines: 'COPY tree /\nCOPY --link --chmod=600 f /l/',
    layer: ['d0600 0:0 real', '-0600 0:0 real/f'],
  },
  {
    name: '--link resets a folder that is there to 0755 and root',
    files: { f: 'f' },
    lines: 'COPY --chown=5 --chmod=700 f /x/f\nCOPY --link f /x/g',
    layer: ['d0755 0:0 x', '-0644 0:0 x/g'],
  },
  {
    name: 'here-documents are files',
    files: {},
    lines: 'ARG who=world\nCOPY <<one <<"two" /x/\nhello $who\none\n$who\ntwo',
    layer: ['d0755 0:0 x', '-0644 0:0 x/one', '-0644 0:0 x/two'],
  },
  {
    name: 'trap 78: .dockerignore with an exception below a hidden folder',
    files: { '.dockerignore': '*\n!a/b\n', 'a/b': 'b', 'a/c': 'c', f: 'f' },
    lines: 'COPY . /x/',
    layer: ['d0755 0:0 x', 'd0755 0:0 x/a', '-0644 0:0 x/a/b'],
  },
];

describe('COPY', () => {
  let sandbox: BuildSandbox;
  before(async () => {
    sandbox = await BuildSandbox.open();
  });
  after(() => sandbox.close());

  for (const { name, files, lines, layer } of cases) {
    it(name, async () => {
      const context = sandbox.context({ ...files, 'Dockerfile.test': `FROM scratch\n${lines}\n` });
      const { image } = await sandbox.build(context, { file: `${context}/Dockerfile.test` });
      expect(await sandbox.layer(image, -1)).to.deep.equal(layer);
    });
  }

  it('writes the content, and the last of several sources', async () => {
    const lines = 'COPY a b /x\nCOPY <<EOF /y\n\thello $HOME\nEOF\n';
    const context = sandbox.context({ a: '1', b: '22', Dockerfile: `FROM scratch\nENV HOME=h\n${lines}` });
    const { image } = await sandbox.build(context);
    expect(await sandbox.fileIn(image, 'x')).to.equal('22');
    expect(await sandbox.fileIn(image, 'y')).to.equal('\thello h\n');
  });

  it('trap 21: names of one file stay names of one file', async () => {
    const context = sandbox.context({ 'd/a': 'a', Dockerfile: 'FROM scratch\nCOPY d /x\n' });
    linkSync(`${context}/d/a`, `${context}/d/b`);
    const { image } = await sandbox.build(context);
    expect(await sandbox.layer(image, -1)).to.deep.equal([
      'd0755 0:0 x',
      '-0644 0:0 x/a',
      'h0644 0:0 x/b -> x/a',
    ]);
  });

  it('trap 21: names in two sources become two files', async () => {
    const context = sandbox.context({ 'd/a': 'a', Dockerfile: 'FROM scratch\nCOPY b d/a /x/\n' });
    linkSync(`${context}/d/a`, `${context}/b`);
    const { image } = await sandbox.build(context);
    expect(await sandbox.layer(image, -1)).to.deep.equal(['d0755 0:0 x', '-0644 0:0 x/a', '-0644 0:0 x/b']);
  });

  it('CVE-2026-55686, CVE-2024-9676: COPY, ADD and WORKDIR go through no link to the host', async () => {
    const outside = sandbox.path('outside');
    mkdirSync(outside, { recursive: true });
    const lines = [
      'COPY tree /',
      'COPY f /abs/f',
      'ADD f /up/',
      'WORKDIR /abs/work',
      'COPY --link f /deep/f',
    ];
    const context = sandbox.context({
      'tree/abs': { link: outside },
      'tree/up': { link: '../../../../../../..' },
      'tree/deep': { link: `../../../..${outside}` },
      f: 'f',
      Dockerfile: ['FROM scratch', ...lines].join('\n'),
    });
    const { image } = await sandbox.build(context);
    expect(readdirSync(outside)).to.deep.equal([]);
    const inside = outside.slice(1);
    expect(await sandbox.layer(image, 1)).to.include(`-0644 0:0 ${inside}/f`);
    expect(await sandbox.layer(image, 2)).to.deep.equal(['-0644 0:0 f']);
    expect(await sandbox.layer(image, 3)).to.include(`d0755 0:0 ${inside}/work`);
    expect(await sandbox.layer(image, 4)).to.deep.equal(['d0755 0:0 deep', '-0644 0:0 deep/f']);
    rmSync(outside, { recursive: true });
  });

  it('trap 20: a socket becomes an empty file', async () => {
    const context = sandbox.context({ 'd/a': 'a', Dockerfile: 'FROM scratch\nCOPY d /x\n' });
    const server = createServer().listen(`${context}/d/socket`);
    await new Promise(resolve => server.once('listening', resolve));
    try {
      const { image } = await sandbox.build(context);
      expect((await sandbox.layer(image, -1)).map(line => line.replace(/\d{4} /, ''))).to.deep.equal([
        'd0:0 x',
        '-0:0 x/a',
        '-0:0 x/socket',
      ]);
    } finally {
      server.close();
    }
  });

  it('trap 48: --from takes files of another stage, with their owners', async () => {
    const lines =
      'FROM scratch AS one\nCOPY --chown=3:4 d /data\nLABEL a=b\nFROM scratch\nCOPY --from=one /data /x\nCOPY --from=0 /data/a /y\n';
    const context = sandbox.context({ 'd/a': 'a', Dockerfile: lines });
    const { image } = await sandbox.build(context);
    expect(await sandbox.layer(image, 0)).to.deep.equal(['d0755 0:0 x', '-0644 3:4 x/a']);
    expect(await sandbox.layer(image, 1)).to.deep.equal(['-0644 3:4 y']);
    expect(image.config.value.config?.Labels).to.equal(undefined);
  });

  const failures: [string, Readonly<Record<string, ContextFile>>, string, object][] = [
    [
      'trap 07: a path that is not there',
      tree,
      'COPY ff /x',
      { code: 'COPY_SOURCE_UNKNOWN', remedy: 'Did you mean "f"?' },
    ],
    [
      'a path with a slip in a folder',
      { 'src/main/app.js': '' },
      'COPY src/mian/app.js /x',
      { code: 'COPY_SOURCE_UNKNOWN', remedy: 'Did you mean "src/main/app.js"?' },
    ],
    [
      'a path that .dockerignore hides',
      { ...tree, '.dockerignore': '# c\n*.txt\n' },
      'COPY g.txt /x',
      { code: 'COPY_SOURCE_UNKNOWN', message: 'COPY source "g.txt" is hidden by .dockerignore:2: *.txt' },
    ],
    ['trap 13: a folder onto a file', tree, 'COPY f /x\nCOPY d /x', { code: 'CONFLICT' }],
    [
      'trap 13: a file onto a folder',
      { 'one/n/a': '', 'two/n': '' },
      'COPY one /x\nCOPY two /x',
      { code: 'CONFLICT' },
    ],
    ['an unknown name for --chown', tree, 'COPY --chown=nobody f /x', { code: 'DOCKERFILE_INVALID' }],
    ['a wrong number for --chmod', tree, 'COPY --chmod=9 f /x', { code: 'DOCKERFILE_INVALID' }],
    ['a wrong letter for --chmod', tree, 'COPY --chmod=u+z f /x', { code: 'DOCKERFILE_INVALID' }],
    [
      'trap 07: folders before a wildcard that are not there',
      { 'src/a.c': '' },
      'COPY scr/*.c /x/',
      { code: 'COPY_SOURCE_UNKNOWN', remedy: 'Did you mean "src"?' },
    ],
    [
      'trap 23: a path for --parents that is not there',
      { 'a/b': '' },
      'COPY --parents a/bb /x/',
      { code: 'COPY_SOURCE_UNKNOWN', remedy: 'Did you mean "a/b"?' },
    ],
    [
      'a wildcard that finds a link to nothing',
      { 'd/l': { link: 'gone' } },
      'COPY d/* /x/',
      { code: 'COPY_SOURCE_UNKNOWN', message: '/d/l is a link to what is not there' },
    ],
    [
      'links in a circle',
      { l: { link: 'm' }, m: { link: 'l' } },
      'COPY l /x',
      { code: 'INVALID_ARGUMENT', message: 'too many symbolic links in "/l"' },
    ],
    ['a malformed wildcard', tree, 'COPY [a /x/', { code: 'COPY_SOURCE_UNKNOWN' }],
    ['a malformed --exclude', tree, 'COPY --exclude=[a d /x/', { code: 'COPY_SOURCE_UNKNOWN' }],
    ['an unknown stage', tree, 'COPY --from=1 f /x', { code: 'DOCKERFILE_INVALID' }],
    [
      'a URL',
      tree,
      'COPY http://127.0.0.1/f /x',
      { code: 'DOCKERFILE_INVALID', message: "source can't be a URL for COPY" },
    ],
    [
      'a git repository',
      tree,
      'COPY git@127.0.0.1:a/b /x',
      { code: 'DOCKERFILE_INVALID', message: "source can't be a git ref for COPY" },
    ],
  ];
  for (const [name, files, lines, expected] of failures) {
    it(name.startsWith('trap') ? `${name} fails` : `fails for ${name}`, async () => {
      const context = sandbox.context({ ...files, Dockerfile: `FROM scratch\n${lines}\n` });
      const error = await errorOf(() => sandbox.build(context));
      expect(error).to.include(expected);
      expect(error.location?.file).to.equal('Dockerfile');
      expect(error.location?.line).to.equal(1 + lines.split('\n').length);
      // What is wrong with a source stands at its word.
      if (error.code === 'COPY_SOURCE_UNKNOWN') {
        const start = (error.location?.column ?? 0) - 1;
        const end = (error.location?.endColumn ?? 0) - 1;
        const word = error.location?.excerpt?.[0]?.slice(start, end) ?? '';
        expect(lines.split('\n').at(-1)?.split(' ').slice(1, -1)).to.include(word);
      }
    });
  }
});
