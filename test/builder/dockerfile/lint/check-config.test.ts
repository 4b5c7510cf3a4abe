import { expect } from 'chai';
import { checkDockerfile } from '../../../../src/builder/dockerfile/lint/check.ts';

const wrongs = 'FROM scratch as base\ncopy Dockerfile .\n';
const both = ['FromAsCasing', 'ConsistentInstructionCasing'];

interface Row {
  readonly above: string;
  readonly argument?: string;
  readonly found: readonly string[];
  readonly error?: boolean;
}

const rows: readonly Row[] = [
  { above: '', found: both },
  { above: '#check=skip=all\n', found: [] },
  { above: '#check=skip=all;error=true\n', found: [], error: true },
  { above: '# check = skip=ConsistentInstructionCasing, FromAsCasing\n', found: ['FromAsCasing'] },
  { above: '# check=skip=ConsistentInstructionCasing,FromAsCasing;error=true\n', found: [], error: true },
  { above: '# check=error=true;skip=FromAsCasing\n', found: ['ConsistentInstructionCasing'], error: true },
  { above: '# check=error=T\n', found: both, error: true },
  { above: '# check=error=0\n', found: both },
  { above: '# check=skip=FromAsCasing // as the team likes it\n', found: ['ConsistentInstructionCasing'] },
  { above: '#!/x\n# syntax=docker/dockerfile:1\n# check=skip=all\n', found: [] },
  { above: '\n# check=skip=all\n\n', found: both },
  { above: '# a comment\n# check=skip=all\n\n', found: both },
  // the build argument wins
  { above: '# check=skip=all\n', argument: 'error=true', found: both, error: true },
  { above: '# check=error=true\n', argument: 'skip=all', found: [] },
  { above: '# check=nonsense\n', argument: '', found: both },
  // right above one instruction
  { above: '\n# why\n# check=skip=FromAsCasing\n', found: ['ConsistentInstructionCasing'] },
  { above: '\n# check=skip=FromAsCasing\n# why\n', found: ['ConsistentInstructionCasing'] },
  { above: '\n# check=skip=FromAsCasing\n\n', found: both },
  { above: '\n# check=nonsense\n', found: both },
  // and a directive stands right above the first one
  { above: '# check=skip=FromAsCasing\n', found: ['ConsistentInstructionCasing'] },
];

const refused: readonly (readonly [string, string])[] = [
  ['skip', 'invalid check option "skip"'],
  ['skpi=all', 'invalid check option "skpi"'],
  ['error=maybe', 'failed to parse check option "error=maybe"'],
];

describe('# check=', () => {
  for (const { above, argument, found, error = false } of rows) {
    it(JSON.stringify(above) + (argument === undefined ? '' : ` with ${JSON.stringify(argument)}`), () => {
      const buildArgs: Record<string, string> =
        argument === undefined ? {} : { BUILDKIT_DOCKERFILE_CHECK: argument };
      const result = checkDockerfile(above + wrongs, { file: 'Dockerfile', buildArgs });
      expect(result.error).to.equal(undefined);
      expect(result.findings.map(({ rule }) => rule.name)).to.deep.equal(found);
      expect(result.config.error).to.equal(error);
    });
  }

  for (const [value, message] of refused) {
    it(`refuses ${value}`, () => {
      const { error } = checkDockerfile(`# syntax=docker/dockerfile:1\n# check=${value}\nFROM a\n`, {
        file: 'Dockerfile',
      });
      expect(error?.message).to.contain(message);
      expect([error?.code, error?.location?.line]).to.deep.equal(['DOCKERFILE_INVALID', 2]);
    });
  }
});

describe('checks of a file with an error', () => {
  it('tell of the lines above it', () => {
    const text = 'FROM scratch AS BadStageName\nMAINTAINER me@example.org\nBADCMD\nMAINTAINER b';
    const { findings, error } = checkDockerfile(text, { file: 'Dockerfile' });
    expect(findings.map(({ rule, lines }) => [rule.name, lines.start])).to.deep.equal([
      ['StageNameCasing', 1],
      ['MaintainerDeprecated', 2],
    ]);
    expect([error?.message, error?.location?.line]).to.deep.equal(['unknown instruction: BADCMD', 3]);
  });

  const errors: readonly (readonly [text: string, message: string, line: number])[] = [
    ['FROM --platform=$BULIDPLATFORM scratch', 'empty platform value from expression $BULIDPLATFORM', 1],
    ['ARG OS=linux\nFROM --platform=$OS/${ARCH} busybox', 'failed to parse platform $OS/${ARCH}', 2],
    ['ARG I\nFROM scratch\nFROM $I', 'base name ($I) should not be blank', 3],
    ['FROM scratch\nUSER ${A:?none}', 'A: none', 2],
    ['# syntax=example/other\nFROM a', 'the frontend "example/other"', 1],
    ['FROM scratch AS a\nFROM A', 'repository name must be lowercase', 2],
    ['RUN <<E\n', 'unterminated heredoc', 1],
    ['', 'file with no instructions', 1],
  ];
  for (const [text, message, line] of errors) {
    it(JSON.stringify(text), () => {
      const { error } = checkDockerfile(text, { file: 'Dockerfile' });
      expect(error?.message).to.contain(message);
      expect(error?.location?.line).to.equal(line);
    });
  }
});
