import { expect } from 'chai';
import { parseIgnore } from '../../../../src/builder/dockerfile/ignore.ts';
import { buildChecks } from '../../../../src/builder/dockerfile/lint/build-checks.ts';
import { type CheckOptions, checkDockerfile } from '../../../../src/builder/dockerfile/lint/check.ts';
import type { ImageConfig } from '../../../../src/image/config.ts';
import { parsePlatform } from '../../../../src/image/platform.ts';

type Expected = readonly [rule: string, line: number, message: string];
type Case = readonly [text: string, findings: readonly Expected[], options?: Partial<CheckOptions>];

const amd64 = parsePlatform('linux/amd64');

function imageConfig(config: ImageConfig['config'], platform = amd64): ImageConfig {
  return {
    ...platform,
    ...(config === undefined ? {} : { config }),
    rootfs: { type: 'layers', diff_ids: [] },
  };
}

const emptyBase: Partial<CheckOptions> = { baseConfig: () => imageConfig({}) };

function ignoring(patterns: string): Partial<CheckOptions> {
  return { ignore: { file: '.dockerignore', matcher: parseIgnore(patterns, { file: '.dockerignore' }) } };
}

/* BuildKit's own cases (frontend/dockerfile/dockerfile_lint_test.go) are among these, rewritten as rows. */
const cases: Readonly<Record<string, readonly Case[]>> = {
  StageNameCasing: [
    ['FROM scratch AS BadName', [['StageNameCasing', 1, "Stage name 'BadName' should be lowercase"]]],
    ['FROM scratch AS good', []],
  ],
  FromAsCasing: [
    ['FROM scratch as b', [['FromAsCasing', 1, "'as' and 'FROM' keywords' casing do not match"]]],
    ['from scratch AS b', [['FromAsCasing', 1, "'AS' and 'from' keywords' casing do not match"]]],
    ['from scratch as b', []],
  ],
  NoEmptyContinuation: [
    [
      'FROM scratch\nCOPY Dockerfile \\\n\n.\nCOPY Dockerfile \\\n.\n',
      [['NoEmptyContinuation', 4, 'Empty continuation line']],
    ],
  ],
  ConsistentInstructionCasing: [
    [
      'From scratch as base\nFROM scratch AS base2',
      [
        [
          'ConsistentInstructionCasing',
          1,
          "Command 'From' should match the case of the command majority (uppercase)",
        ],
      ],
    ],
    [
      'FROM scratch\ncopy a /a\nCOPY b /b',
      [
        [
          'ConsistentInstructionCasing',
          2,
          "Command 'copy' should match the case of the command majority (uppercase)",
        ],
      ],
    ],
    [
      'frOM scratch as base\nfrom scratch as base2',
      [
        [
          'ConsistentInstructionCasing',
          1,
          "Command 'frOM' should match the case of the command majority (lowercase)",
        ],
      ],
    ],
    [
      'FROM scratch\ncopy a /a\ncopy b /b\ncopy c /c',
      [
        [
          'ConsistentInstructionCasing',
          1,
          "Command 'FROM' should match the case of the command majority (lowercase)",
        ],
      ],
    ],
    ['from scratch\ncopy a /a', []],
    ['FROM alpine\nRUN <<E\nenv\nE\n', []],
  ],
  DuplicateStageName: [
    [
      'FROM scratch AS b\nFROM scratch AS b',
      [['DuplicateStageName', 2, 'Duplicate stage name "b", stage names should be unique']],
    ],
    ['FROM scratch\nFROM scratch\nFROM scratch AS b', []],
  ],
  ReservedStageName: [
    [
      'FROM scratch AS scratch\nFROM busybox AS context',
      [
        ['ReservedStageName', 1, 'Stage name should not use the same name as reserved stage "scratch"'],
        ['ReservedStageName', 2, 'Stage name should not use the same name as reserved stage "context"'],
      ],
    ],
  ],
  JSONArgsRecommended: [
    [
      'FROM scratch\nCMD mycommand\nENTRYPOINT mycommand',
      [
        [
          'JSONArgsRecommended',
          2,
          'JSON arguments recommended for CMD to prevent unintended behavior related to OS signals',
        ],
        [
          'JSONArgsRecommended',
          3,
          'JSON arguments recommended for ENTRYPOINT to prevent unintended behavior related to OS signals',
        ],
      ],
    ],
    ['FROM scratch\nSHELL ["/usr/bin/customshell"]\nCMD mycommand', []],
    ['FROM scratch AS base\nSHELL ["/usr/bin/customshell"]\nFROM base\nENTRYPOINT mycommand', []],
    ['FROM base\nCMD x', [], { baseConfig: () => imageConfig({ Shell: ['/bin/bash', '-c'] }) }],
    ['FROM scratch\nCMD ["x"]\nRUN x', []],
  ],
  MaintainerDeprecated: [
    [
      'FROM scratch\nMAINTAINER me@example.org',
      [['MaintainerDeprecated', 2, 'Maintainer instruction is deprecated in favor of using label']],
    ],
    ['FROM scratch\nLABEL org.opencontainers.image.authors="me@example.org"', []],
  ],
  UndefinedArgInFrom: [
    ['ARG base=scratch\nFROM $base', []],
    ['FROM --platform=$BUILDPLATFORM scratch', []],
    [
      'ARG tag=latest\nFROM busybox:${tag}${version} AS b',
      [['UndefinedArgInFrom', 2, "FROM argument 'version' is not declared"]],
    ],
    ['FROM ${VAR:-alpine}', [['UndefinedArgInFrom', 1, "FROM argument 'VAR' is not declared"]]],
    ['ARG version\nFROM busybox:1$version', []],
    [
      'FROM --platform=linux/${TARGETARHC:-arm64} busybox',
      [['UndefinedArgInFrom', 1, "FROM argument 'TARGETARHC' is not declared (did you mean TARGETARCH?)"]],
    ],
  ],
  WorkdirRelativePath: [
    [
      'FROM scratch\nWORKDIR app/\nWORKDIR sub',
      [
        [
          'WorkdirRelativePath',
          2,
          'Relative workdir "app/" can have unexpected results if the base image changes',
        ],
      ],
    ],
    ['FROM scratch AS a\nWORKDIR /app\nFROM a AS b\nWORKDIR sub/', []],
    ['FROM scratch\nARG d=/a\nWORKDIR $d', []],
  ],
  UndefinedVar: [
    ['FROM scratch\nARG foo\nCOPY Dockerfile${foo} .', []],
    ['FROM scratch AS base\nARG foo=Dockerfile\nFROM base\nCOPY $foo .', []],
    ['FROM alpine\nRUN echo $PATH $foo', [], emptyBase],
    [
      'FROM alpine\nCOPY $foo .\nARG foo=bar\nRUN echo $foo',
      [['UndefinedVar', 2, "Usage of undefined variable '$foo'"]],
      emptyBase,
    ],
    [
      'FROM alpine\nARG DIR_BINARIES=b\nARG DIR_ASSETS=a\nARG DIR_CONFIG=c\nCOPY $DIR_ASSET .',
      [['UndefinedVar', 5, "Usage of undefined variable '$DIR_ASSET' (did you mean $DIR_ASSETS?)"]],
      emptyBase,
    ],
    [
      'FROM alpine\nENV PATH=$PAHT:/tmp/bin',
      [['UndefinedVar', 2, "Usage of undefined variable '$PAHT' (did you mean $PATH?)"]],
      emptyBase,
    ],
    ['FROM alpine\nENV A=$JAVA_HOME', [], { baseConfig: () => imageConfig({ Env: ['JAVA_HOME=/j'] }) }],
    // what the image has is not known: only a slip of a known name is told
    ['FROM alpine\nENV A=$JAVA_HOME', []],
    [
      'FROM alpine\nENV A=$PAHT',
      [['UndefinedVar', 2, "Usage of undefined variable '$PAHT' (did you mean $PATH?)"]],
    ],
    ['FROM alpine\nUSER ${WHO:?}', []],
    [
      'FROM scratch\nCOPY <<E /a\n$x\nE\nCOPY <<"E" /b\n$x\nE\n',
      [['UndefinedVar', 2, "Usage of undefined variable '$x'"]],
    ],
    [
      'FROM scratch\nRUN --mount=type=cache,id=$x,target=/a y $z',
      [['UndefinedVar', 2, "Usage of undefined variable '$x'"]],
    ],
    ['FROM scratch\nEXPOSE $x', []],
    ['ARG x=1\nFROM scratch\nLABEL a=$x', [['UndefinedVar', 3, "Usage of undefined variable '$x'"]]],
  ],
  MultipleInstructionsDisallowed: [
    [
      'FROM scratch\nENTRYPOINT ["/a"]\nCMD ["/a"]\nHEALTHCHECK CMD ["/a"]\nENTRYPOINT ["/b"]\nCMD ["/b"]\nHEALTHCHECK CMD ["/b"]',
      (['ENTRYPOINT', 'CMD', 'HEALTHCHECK'] as const).map((name, index) => [
        'MultipleInstructionsDisallowed',
        index + 2,
        `Multiple ${name} instructions should not be used in the same stage because only the last one will be used`,
      ]),
    ],
    ['FROM scratch AS a\nCMD ["/a"]\nFROM a\nCMD ["/b"]', []],
  ],
  LegacyKeyValueFormat: [
    [
      'FROM scratch\nENV k v\nLABEL k v w',
      [
        [
          'LegacyKeyValueFormat',
          2,
          '"ENV key=value" should be used instead of legacy "ENV key value" format',
        ],
        [
          'LegacyKeyValueFormat',
          3,
          '"LABEL key=value" should be used instead of legacy "LABEL key value" format',
        ],
      ],
    ],
    ['FROM scratch\nENV k=v', []],
    ['FROM scratch AS a\nENV k v\nFROM scratch AS b', [], { target: 'b' }],
  ],
  InvalidBaseImagePlatform: [
    [
      'FROM busybox AS a\nFROM a\nFROM scratch',
      [
        [
          'InvalidBaseImagePlatform',
          1,
          'Base image busybox was pulled with platform "linux/arm64", expected "linux/amd64" for current build',
        ],
      ],
      { baseConfig: () => imageConfig({}, parsePlatform('linux/arm64')) },
    ],
    ['FROM busybox', [], emptyBase],
  ],
  RedundantTargetPlatform: [
    ...['$TARGETPLATFORM', '${TARGETPLATFORM}'].map(
      (variable): Case => [
        `FROM --platform=${variable} scratch`,
        [
          [
            'RedundantTargetPlatform',
            1,
            `Setting platform to predefined ${variable} in FROM is redundant as this is the default behavior`,
          ],
        ],
      ],
    ),
    ['FROM --platform=linux/$TARGETARCH scratch', []],
  ],
  SecretsUsedInArgOrEnv: [
    [
      'FROM scratch\nARG SECRET_PASSPHRASE\nENV SUPER_Secret=foo password=bar\nARG auth=bar\nENV git_key= sunflower=x',
      (
        [
          ['ARG', 'SECRET_PASSPHRASE', 2],
          ['ENV', 'SUPER_Secret', 3],
          ['ENV', 'password', 3],
          ['ARG', 'auth', 4],
          ['ENV', 'git_key', 5],
        ] as const
      ).map(([keyword, name, line]) => [
        'SecretsUsedInArgOrEnv',
        line,
        `Do not use ARG or ENV instructions for sensitive data (${keyword} "${name}")`,
      ]),
    ],
    ['FROM scratch\nENV PUBLIC_KEY=x TOKENS=y keyboard=z\nARG author', []],
  ],
  InvalidDefaultArgInFrom: [
    ...(
      [
        ['ARG VERSION\nFROM busybox:$VERSION', 'busybox:$VERSION', { VERSION: 'latest' }],
        ['ARG IMAGE\nFROM $IMAGE', '$IMAGE', { IMAGE: 'busybox' }],
        ['ARG SFX="box:"\nFROM busy${SFX}', 'busy${SFX}', { SFX: 'box:latest' }],
      ] as const
    ).map(
      ([text, image, buildArgs]): Case => [
        text,
        [
          [
            'InvalidDefaultArgInFrom',
            2,
            `Default value for ARG ${image} results in empty or invalid base image name`,
          ],
        ],
        { buildArgs: buildArgs as unknown as Record<string, string> },
      ],
    ),
    ['ARG VERSION=latest\nFROM busybox:$VERSION', [], { buildArgs: { VERSION: '1' } }],
    ['ARG V\nFROM busybox:stable${V}', [], { buildArgs: { V: '-musl' } }],
    ['ARG V\nFROM busybox:${V:?}', [], { buildArgs: { V: '1' } }],
  ],
  FromPlatformFlagConstDisallowed: [
    [
      'FROM --platform=linux/amd64 scratch',
      [
        [
          'FromPlatformFlagConstDisallowed',
          1,
          'FROM --platform flag should not use constant value "linux/amd64"',
        ],
      ],
    ],
    ['FROM --platform=linux/amd64 scratch AS my_amd64_stage\nFROM --platform=linux/arm64 x AS linux', []],
    ['ARG P=linux/arm64\nFROM --platform=$P scratch', []],
  ],
  CopyIgnoredFile: [
    [
      'FROM scratch\nCOPY Dockerfile .\nADD ./Dockerfile /windy',
      [
        ['CopyIgnoredFile', 2, 'Attempting to Copy file "Dockerfile" that is excluded by .dockerignore'],
        ['CopyIgnoredFile', 3, 'Attempting to Add file "./Dockerfile" that is excluded by .dockerignore'],
      ],
      ignoring('Dockerfile'),
    ],
    ['FROM scratch AS base\nCOPY a /foobar\nFROM base\nCOPY --from=base /foobar /b', [], ignoring('foobar')],
    ['FROM scratch\nCOPY . /\nCOPY src /src\nCOPY *.x /x', [], ignoring('*\n!src/a')],
    ['FROM scratch\nADD https://example.com/Dockerfile /', [], ignoring('**')],
  ],
  InvalidDefinitionDescription: [
    ['# a non-descriptive comment\nFROM scratch AS base', []],
    [
      '# check=experimental=InvalidDefinitionDescription\n\n# a comment\nFROM scratch AS base\n# another\nARG VERSION=1\n# c\nARG A=1 B=2',
      [
        [
          'InvalidDefinitionDescription',
          4,
          'Comment for FROM should follow the format: `# base <description>`',
        ],
        [
          'InvalidDefinitionDescription',
          6,
          'Comment for ARG should follow the format: `# VERSION <description>`',
        ],
        [
          'InvalidDefinitionDescription',
          8,
          'Comment for ARG should follow the format: `# <arg_key> <description>`',
        ],
      ],
    ],
    [
      '# check=experimental=all;skip=all\n\n# base does this\n# check=skip=StageNameCasing\nFROM scratch AS base\n# text\n\nARG A\n# B is b\nARG A B\n',
      [],
    ],
    ['# check=experimental=all\n# text\nFROM scratch\n', []],
  ],
  ExposeProtoCasing: [
    [
      'FROM scratch\nEXPOSE 80/TcP 53/udp',
      [['ExposeProtoCasing', 2, "Defined protocol '80/TcP' in EXPOSE instruction should be lowercase"]],
    ],
  ],
  ExposeInvalidFormat: [
    [
      'FROM scratch\nEXPOSE 127.0.0.1:80:80 8080:80 [::1]:1:2 443',
      ['127.0.0.1:80:80', '8080:80', '[::1]:1:2'].map(port => [
        'ExposeInvalidFormat',
        2,
        `EXPOSE instruction should not define an IP address or host-port mapping, found '${port}'`,
      ]),
    ],
  ],
};

function findingsOf(text: string, options: Partial<CheckOptions> = {}) {
  const result = checkDockerfile(text, { file: 'Dockerfile', platform: amd64, ...options });
  if (result.error !== undefined) throw result.error;
  const bare = result.findings.filter(({ fix, mended }) => fix === undefined && mended === undefined);
  expect(bare, 'without mended text').to.deep.equal([]);
  return result.findings.map(({ rule, lines, message }) => [rule.name, lines.start, message]);
}

describe('build checks', () => {
  it('are 22, with the names and pages of BuildKit', () => {
    const rules = Object.values(buildChecks);
    expect(rules).to.have.length(22);
    expect(Object.keys(cases).toSorted()).to.deep.equal(rules.map(({ name }) => name).toSorted());
    expect(buildChecks.jsonArgsRecommended.url).to.equal(
      'https://docs.docker.com/go/dockerfile/rule/json-args-recommended/',
    );
    expect(buildChecks.secretsUsedInArgOrEnv.url).to.equal(
      'https://docs.docker.com/go/dockerfile/rule/secrets-used-in-arg-or-env/',
    );
  });

  for (const [name, rows] of Object.entries(cases)) {
    describe(name, () => {
      for (const [text, expected, options] of rows) {
        it(JSON.stringify(text), () => {
          const found = findingsOf(text, options).filter(
            ([rule]) => rule === name || expected.some(([wanted]) => wanted === rule),
          );
          expect(found).to.deep.equal(expected);
        });
      }
    });
  }
});
