import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseIgnore } from '../../../src/builder/dockerfile/ignore.ts';
import type { RunInstruction } from '../../../src/builder/dockerfile/instructions.ts';
import { parseDockerfile } from '../../../src/builder/dockerfile/parse.ts';
import { parseProgram } from '../../../src/builder/dockerfile/stages.ts';
import { isHawserError } from '../../../src/errors/hawser-error.ts';
import { type PlanRequest, planOf } from './plan.ts';

/* The numbers are those of the traps of building Dockerfiles: places where builders differ, with BuildKit's answer. */

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

async function configOf(text: string, request?: PlanRequest) {
  return (await planOf(text, request)).draft.config;
}

/** What a label comes to, which shows the value of a variable. */
async function labelOf(text: string, request?: PlanRequest): Promise<string | undefined> {
  return (await configOf(text, request)).Labels?.a;
}

/** The cache keys of the steps, in order, each on top of nothing. */
async function keysOf(text: string, request?: PlanRequest): Promise<readonly string[]> {
  const { steps } = await planOf(text, request);
  return Promise.all(steps.map(async ({ operation }) => (await operation?.cacheKey([])) ?? 'none'));
}

function textsOf(text: string): readonly string[] {
  return parseDockerfile(text, { file: 'Dockerfile' }).nodes.map(({ line }) => line.text);
}

function runOf(text: string): RunInstruction {
  const instruction = parseProgram(parseDockerfile(text, { file: 'Dockerfile' })).stages[0]?.instructions[0];
  if (instruction?.kind !== 'run') throw new Error('a RUN was expected');
  return instruction;
}

function refusalOf(text: string): string {
  try {
    parseProgram(parseDockerfile(text, { file: 'Dockerfile' }));
  } catch (error) {
    if (isHawserError(error, 'DOCKERFILE_INVALID')) return error.message;
    throw error;
  }
  return 'accepted';
}

type Row = readonly [lines: string, label: string | undefined, request?: PlanRequest];

function table(title: string, rows: readonly Row[]): void {
  it(title, async () => {
    for (const [lines, label, request] of rows) {
      expect(await labelOf(lines, request), lines).to.equal(label);
    }
  });
}

describe('traps of variables', () => {
  table('trap 30: of ENV and ARG the later line wins, and a bare ARG defines nothing', [
    ['FROM scratch\nENV A=env\nARG A=arg\nLABEL a=$A', 'arg'],
    ['FROM scratch\nARG A=arg\nENV A=env\nLABEL a=$A', 'env'],
    ['FROM scratch\nENV A=env\nARG A=arg\nLABEL a=$A', 'cli', { buildArgs: { A: 'cli' } }],
    ['FROM scratch\nENV A=env\nARG A\nLABEL a=$A', 'env'],
    ['FROM scratch\nARG A\nLABEL a=${A-unset}', 'unset'],
    ['FROM scratch\nARG A=\nLABEL a=${A-unset}', ''],
  ]);

  it('trap 30: ENV stays in the image, ARG does not', async () => {
    expect((await configOf('FROM scratch\nENV A=env\nARG B=arg')).Env).to.deep.equal([defaultPath, 'A=env']);
  });

  table('trap 31: a global ARG is seen in a stage from its own ARG line on', [
    ['ARG A=1\nFROM scratch\nLABEL a=$A', ''],
    ['ARG A=1\nFROM scratch\nARG A\nLABEL a=$A', '1'],
    ['ARG A=1\nFROM scratch\nARG A=2\nLABEL a=$A', '2'],
    ['ARG A=1\nFROM scratch\nLABEL a=$A', '', { buildArgs: { A: '3' } }],
    ['FROM scratch\nLABEL a=$B', '', { buildArgs: { B: '3' } }],
    ['FROM scratch\nLABEL a=$TARGETARCH\nARG TARGETARCH', ''],
    ['FROM scratch\nARG TARGETARCH\nLABEL a=$TARGETARCH', 'amd64'],
  ]);

  table('trap 32: the ARGs of a stage are seen by its children, and by no other stage', [
    ['FROM scratch AS x\nARG A=1\nFROM x\nLABEL a=$A', '1'],
    ['FROM scratch AS x\nARG A=1\nFROM x AS y\nFROM y\nLABEL a=$A', '1'],
    ['FROM scratch AS x\nARG A=1\nFROM scratch\nCOPY --from=x / /\nLABEL a=$A', ''],
  ]);

  it('trap 34: ENV is replaced in its place, and PATH is added where the base has none', async () => {
    const images = { base: { Env: ['A=1', 'PATH=/bin', 'B=2'] }, bare: { Env: ['A=1'] } };
    const { Env } = await configOf('FROM base\nENV A=3 C=4\nENV PATH=$PATH:/x', { images });
    expect(Env).to.deep.equal(['A=3', 'PATH=/bin:/x', 'B=2', 'C=4']);
    expect((await configOf('FROM bare', { images })).Env).to.deep.equal(['A=1', defaultPath]);
  });

  it('trap 41: EXPOSE is expanded, then split, ranges and protocols resolved, sorted', async () => {
    const ports = await configOf('FROM scratch\nARG P="90 80-82/UDP"\nEXPOSE $P 8080 70/SCTP');
    expect(Object.keys(ports.ExposedPorts ?? {})).to.deep.equal([
      '70/sctp',
      '80/udp',
      '8080/tcp',
      '81/udp',
      '82/udp',
      '90/tcp',
    ]);
  });

  it('trap 44: names of labels are expanded, and single quotes stop that', async () => {
    const { Labels } = await configOf(`FROM scratch\nARG A=x\nLABEL $A.b=c d='$A' e="$A"`);
    expect(Labels).to.deep.equal({ 'x.b': 'c', d: '$A', e: 'x' });
  });
});

describe('traps of cache keys', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hawser-traps-'));
    writeFileSync(join(folder, 'f'), 'content', { mode: 0o644 });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("trap 66: a source's mode counts, also with --chmod", async () => {
    const text = 'FROM scratch\nCOPY --chmod=600 f /f';
    const before = await keysOf(text, { context: folder });
    expect(await keysOf(text, { context: folder })).to.deep.equal(before);
    chmodSync(join(folder, 'f'), 0o664);
    expect(await keysOf(text, { context: folder })).not.to.deep.equal(before);
  });

  it('trap 67: bodies of heredocs count, each by itself', async () => {
    const bodies = ['a\n', 'b\n', 'a\nb\n'];
    const runs = await Promise.all(bodies.map(body => keysOf(`FROM x\nRUN <<E\n${body}E\n`)));
    const scripts = await Promise.all(bodies.map(body => keysOf(`FROM x\nRUN <<E\n#!/x\n${body}E\n`)));
    const copies = await Promise.all([
      keysOf('FROM x\nCOPY <<A <<B /d/\nab\nA\nc\nB\n'),
      keysOf('FROM x\nCOPY <<A <<B /d/\na\nA\nbc\nB\n'),
      keysOf('FROM x\nCOPY <<A <<BB /d/\na\nA\nbc\nBB\n'),
    ]);
    const keys = [...runs, ...scripts, ...copies].flat();
    expect(new Set(keys).size).to.equal(keys.length);
  });

  it('trap 68: keys have values, and an ARG counts for the RUN lines below it', async () => {
    const text = (name: string) => `FROM x\nRUN a\nARG ${name}\nWORKDIR /w\nRUN b\nCOPY $${name} /f\n`;
    const request = (value: string) => ({ context: folder, buildArgs: { A: value } });
    writeFileSync(join(folder, 'g'), 'other');
    const one = await keysOf(text('A'), request('f'));
    const two = await keysOf(text('A'), request('g'));
    expect(one.map((key, index) => key === two[index])).to.deep.equal([true, true, false, false]);
    const written = await keysOf('FROM x\nCOPY f /f', { context: folder });
    expect(one[3]).to.equal(written[0]);
  });
});

describe('traps of parsing', () => {
  it('trap 73: two escapes continue nothing; comments and blank lines vanish, leading blanks stay', () => {
    expect(textsOf('FROM a\nRUN b \\\\\nRUN c \\  \n  # d\n\n   e')).to.deep.equal([
      'FROM a',
      'RUN b \\\\',
      'RUN c    e',
    ]);
  });

  it('trap 74: # escape= changes continuations and escapes in words, not heredoc names', () => {
    expect(textsOf('# escape=`\nFROM a\nRUN b `\n c\nRUN d \\\nRUN e')).to.deep.equal([
      'FROM a',
      'RUN b  c',
      'RUN d \\',
      'RUN e',
    ]);
    const run = runOf('# escape=`\nFROM a\nRUN <<E\\ F\nbody\nE F\n');
    expect(run.heredocs.map(({ name, expand }) => [name, expand])).to.deep.equal([['E F', true]]);
  });

  table('trap 74: # escape= in words', [
    ['# escape=`\nFROM scratch\nARG A=x\nLABEL a=`$A\\$A', '$A\\x'],
    ['FROM scratch\nARG A=x\nLABEL a=`$A\\$A', '`x$A'],
  ]);

  it('trap 75: the shift operator is a heredoc', () => {
    expect(refusalOf('FROM a\nRUN echo $((1 << 2))\n')).to.equal('unterminated heredoc');
    expect(refusalOf('FROM a\nRUN echo $((1<<2))\n')).to.equal('accepted');
    expect(refusalOf('FROM a\nRUN echo "$((1 << 2))"\n')).to.equal('accepted');
  });

  it('trap 76: what is no JSON is for the shell; elements that are no strings are an error', () => {
    for (const command of ["['a']", '["a",]', '["a"] b', '[ -f x ]', '["a']) {
      expect(runOf(`FROM a\nRUN ${command}`).command).to.deep.equal({ shell: true, words: [command] });
    }
    expect(runOf('FROM a\nRUN ["a", "b c"]').command).to.deep.equal({ shell: false, words: ['a', 'b c'] });
    for (const command of ['["a", 1]', '[["a"]]', '[null]', '[{}]']) {
      expect(refusalOf(`FROM a\nRUN ${command}`)).to.contain('comprised of strings only');
    }
  });

  it('trap 77: a heredoc ends with a line that is its name and nothing else', () => {
    const body = (text: string) => runOf(`FROM a\nRUN ${text}`).heredocs.map(({ content }) => content);
    expect(body('<<E\na\n E\nE \nEE\nE\n')).to.deep.equal(['a\n E\nE \nEE\n']);
    expect(body('<<E\n\tE\nE\n')).to.deep.equal(['\tE\n']);
    expect(body('<<-E\n\ta\n\t\tE\n')).to.deep.equal(['\ta\n']);
    expect(body('<<E\r\na\r\nE\r\n')).to.deep.equal(['a\r\n']);
    expect(body('<<E\na\nE')).to.deep.equal(['a\n']);
  });

  const ignored: readonly (readonly [patterns: string, path: string, excluded: boolean])[] = [
    ['dir\n!dir/keep', 'dir/keep', false],
    ['dir\n!dir/keep', 'dir/other', true],
    ['*\n!a/b', 'a/b', false],
    ['*\n!a/b', 'a/c', true],
    ['!dir/keep\ndir', 'dir/keep', true],
    ['name', 'sub/name', false],
    ['**/name', 'sub/name', true],
    ['/name', 'name', true],
    ['dir/', 'dir/x', true],
    ['  # no comment', '# no comment', true],
    ['# comment', '# comment', false],
  ];
  it('trap 78: .dockerignore takes back below what it excludes, and is rooted', () => {
    for (const [patterns, path, excluded] of ignored) {
      const matcher = parseIgnore(patterns, { file: '.dockerignore' });
      expect(matcher.excludes(path), `${JSON.stringify(patterns)} on ${path}`).to.equal(excluded);
    }
    const walk = parseIgnore('*\n!a/b', { file: '.dockerignore' });
    expect(walk.excludes('a')).to.equal(true);
    expect([walk.couldIncludeBelow('a'), walk.couldIncludeBelow('c')]).to.deep.equal([true, false]);
  });

  table('trap 79: names of stages are without case, hide images, and the later of two counts', [
    ['FROM scratch AS X\nARG A=1\nFROM x\nLABEL a=$A', '1'],
    ['FROM scratch AS golang\nARG A=1\nFROM golang\nLABEL a=$A', '1'],
    ['FROM scratch AS x\nARG A=1\nFROM scratch AS x\nARG A=2\nFROM x\nLABEL a=$A', '2'],
  ]);

  it('trap 79: --from finds a stage before an image', async () => {
    const plan = await planOf('FROM busybox AS golang\nRUN a\nFROM scratch\nCOPY --from=GOLANG /a /a');
    expect(plan.draft.vertex.inputs.map(({ name }) => name)).to.deep.equal([
      'FROM scratch',
      '[golang 2/2] RUN a',
    ]);
  });

  it('trap 80: scratch is never looked up, and begins with nothing but the folder /', async () => {
    const { draft } = await planOf('FROM scratch');
    expect(draft.vertex).to.deep.equal({ id: 'scratch', name: 'FROM scratch', inputs: [] });
    expect(draft.config).to.deep.equal({ WorkingDir: '/', Env: [defaultPath] });
    expect([draft.baseLayers, draft.history]).to.deep.equal([0, []]);
  });

  it('trap 80: but a stage of that name hides it', async () => {
    const { draft } = await planOf('FROM busybox AS scratch\nFROM scratch');
    expect(draft.vertex.name).to.equal('FROM busybox');
  });
});

/* What was measured otherwise than documented. */
describe('corrections', () => {
  table('an ARG sees those before it on its line', [
    ['FROM scratch\nARG A=1 B=$A\nLABEL a=$B', '1'],
    ['ARG A=1 B=$A\nFROM scratch\nARG B\nLABEL a=$B', '1'],
    ['FROM scratch\nENV A=1\nENV A=2 B=$A\nLABEL a=$B', '1'],
  ]);

  it('numbers of --mount from= are images', async () => {
    const { draft } = await planOf('FROM scratch\nFROM busybox\nRUN --mount=from=0,target=/x y');
    expect(draft.vertex.inputs.map(({ name }) => name)).to.deep.equal(['FROM busybox', 'FROM 0']);
  });

  it('the exec form sets ArgsEscaped too', async () => {
    expect((await configOf('FROM scratch\nCMD ["x"]')).ArgsEscaped).to.equal(true);
    expect((await configOf('FROM scratch\nENTRYPOINT ["x"]')).ArgsEscaped).to.equal(true);
  });

  it('blanks in the name of a heredoc are for RUN only', () => {
    expect(refusalOf('FROM a\nRUN cat << E\nx\nE\n')).to.equal('accepted');
    expect(refusalOf('FROM a\nRUN <<"E O F"\nx\nE O F\n')).to.equal('accepted');
    expect(refusalOf('FROM a\nCOPY << E /x\nx\nE\n')).to.contain('COPY takes no heredoc with a blank');
    expect(refusalOf('FROM a\nCOPY <<"E O F" /x\nx\nE O F\n')).to.contain('matching double-quote');
  });
});
