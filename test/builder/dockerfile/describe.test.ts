import { expect } from 'chai';
import { outlineOf } from '../../../src/builder/dockerfile/describe/outline.ts';
import { targetsOf } from '../../../src/builder/dockerfile/describe/targets.ts';
import { parseDockerfile } from '../../../src/builder/dockerfile/parse.ts';
import { parseProgram } from '../../../src/builder/dockerfile/stages.ts';
import { outlineJson, outlineLines, targetsJson, targetsLines } from '../../../src/cli/outline-output.ts';

const text = `# syntax=docker/dockerfile:1

# inherited is used by the base image
ARG inherited=box
ARG suffix
# unused is used by nobody
ARG unused=1

# first says first
FROM busy\${inherited}\${suffix} AS first
# first_arg is of the first stage
ARG first_arg=\${inherited}-1
ENV W=/work
RUN --mount=type=secret,id=one --mount=type=ssh,required=true true

# check=skip=StageNameCasing
# second says second
FROM --platform=$BUILDPLATFORM scratch AS Second
ARG inherited TARGETARCH
RUN --mount=type=secret,target=$W/two,required=true --mount=type=cache,target=/c true

FROM scratch
# ABC is last
ARG ABC
ARG ABC=2
COPY --from=first /x /x
RUN --mount=from=second,target=/s --mount=type=secret,id=three,env=T true
`;
const program = parseProgram(parseDockerfile(text, { file: 'Dockerfile' }));

describe('targets', () => {
  it('are the stages with what their comments say', () => {
    expect(targetsOf(program)).to.deep.equal([
      {
        name: 'first',
        isDefault: false,
        description: 'says first',
        base: 'busy${inherited}${suffix}',
        lines: { start: 10, end: 10 },
      },
      {
        name: 'second',
        isDefault: false,
        description: 'says second',
        base: 'scratch',
        platform: '$BUILDPLATFORM',
        lines: { start: 18, end: 18 },
      },
      { isDefault: true, base: 'scratch', lines: { start: 22, end: 22 } },
    ]);
  });

  it("are printed in BuildKit's forms", () => {
    const targets = targetsOf(program);
    expect(targetsLines(targets)).to.deep.equal([
      'TARGET    DESCRIPTION',
      'first     says first',
      'second    says second',
      '(default)',
    ]);
    const named = targetsOf(parseProgram(parseDockerfile('FROM a AS b', { file: 'Dockerfile' })));
    expect(targetsLines(named)).to.deep.equal(['TARGET      DESCRIPTION', 'b (default)']);
    const json = JSON.parse(targetsJson(targets, text)) as { targets: object[]; sources: string[] };
    expect(json.targets[2]).to.deep.equal({
      default: true,
      base: 'scratch',
      location: { ranges: [{ start: { line: 22 }, end: { line: 22 } }] },
    });
    expect(Buffer.from(json.sources[0] ?? '', 'base64').toString()).to.equal(text);
  });
});

describe('the outline', () => {
  it('has what the target and the stages that it takes from ask for', () => {
    const { args, secrets, ssh } = outlineOf(program);
    expect(
      args.map(({ name, value, description, lines }) => [name, value, description, lines.start]),
    ).to.deep.equal([
      ['inherited', 'box', 'is used by the base image', 4],
      ['suffix', undefined, undefined, 5],
      ['first_arg', '-1', 'is of the first stage', 12],
      ['ABC', '2', undefined, 25],
    ]);
    expect(secrets.map(({ name, required }) => [name, required])).to.deep.equal([
      ['one', false],
      ['two', true],
      ['three', false],
    ]);
    expect(ssh.map(({ name, required }) => [name, required])).to.deep.equal([['default', true]]);
  });

  it('is that of the target, with the values that are given', () => {
    const outline = outlineOf(program, { target: 'FIRST', buildArgs: { inherited: 'x', first_arg: 'y' } });
    expect([outline.name, outline.description]).to.deep.equal(['first', 'says first']);
    expect(outline.args.map(({ name, value }) => [name, value])).to.deep.equal([
      ['inherited', 'x'],
      ['suffix', undefined],
      ['first_arg', 'y'],
    ]);
  });

  it("is printed in BuildKit's forms", () => {
    const outline = outlineOf(program, { target: 'first' });
    expect(outlineLines(outline)).to.deep.equal([
      'TARGET:      first',
      'DESCRIPTION: says first',
      '',
      'BUILD ARG   VALUE   DESCRIPTION',
      'inherited   box     is used by the base image',
      'suffix',
      'first_arg   -1      is of the first stage',
      '',
      'SECRET   REQUIRED',
      'one',
      '',
      'SSH       REQUIRED',
      'default   true',
      '',
    ]);
    const json = JSON.parse(outlineJson(outline, text)) as Record<string, unknown>;
    expect(Object.keys(json)).to.deep.equal(['name', 'description', 'args', 'secrets', 'ssh', 'sources']);
    expect(json.secrets).to.deep.equal([
      { name: 'one', location: { ranges: [{ start: { line: 14 }, end: { line: 14 } }] } },
    ]);
    const empty = parseProgram(parseDockerfile('FROM scratch', { file: 'Dockerfile' }));
    expect(outlineLines(outlineOf(empty))).to.deep.equal([]);
    expect(Object.keys(JSON.parse(outlineJson(outlineOf(empty), '')) as object)).to.deep.equal(['sources']);
  });
});
