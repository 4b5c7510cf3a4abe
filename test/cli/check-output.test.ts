import { expect } from 'chai';
import { checkDockerfile } from '../../src/builder/dockerfile/lint/check.ts';
import { parseBuildCall } from '../../src/cli/build-call.ts';
import { checkJson, checkLines, shortWarnings } from '../../src/cli/check-output.ts';
import { isHawserError } from '../../src/errors/hawser-error.ts';

function checked(text: string) {
  return { file: 'Dockerfile', text, ...checkDockerfile(text, { file: 'Dockerfile' }) };
}

describe('the output of checks', () => {
  it('is a line each below a build', () => {
    const { findings } = checked('FROM scratch as a\nMAINTAINER me');
    expect(shortWarnings(findings)).to.deep.equal([
      '',
      ' 2 warnings found (use --check to expand):',
      " - FromAsCasing: 'as' and 'FROM' keywords' casing do not match (line 1)",
      ' - MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label (line 2)',
    ]);
    expect(shortWarnings(findings.slice(1))[1]).to.equal(' 1 warning found (use --check to expand):');
    expect(shortWarnings([])).to.deep.equal([]);
  });

  const url = 'https://docs.docker.com/go/dockerfile/rule/';
  const rule = '--------------------';

  it('has the lines around a marked one', () => {
    const lines = checkLines(checked('# 1\n\n# 3\nFROM scratch\r\nMAINTAINER me\n# 6\n'));
    expect(lines).to.deep.equal([
      'Check complete, 1 warning has been found!',
      '',
      `WARNING: MaintainerDeprecated - ${url}maintainer-deprecated/`,
      'Maintainer instruction is deprecated in favor of using label',
      'Dockerfile:5',
      rule,
      '   3 |     # 3',
      '   4 |     FROM scratch',
      '   5 | >>> MAINTAINER me',
      '   6 |     # 6',
      '   7 |     ',
      rule,
    ]);
  });

  it('has fewer around several marked ones', () => {
    const lines = checkLines(checked('# 1\nFROM scratch\nCMD a \\\n  b\nUSER x\nEXPOSE 1'));
    expect(lines.slice(4)).to.deep.equal([
      'Dockerfile:3',
      rule,
      '   2 |     FROM scratch',
      '   3 | >>> CMD a \\',
      '   4 | >>>   b',
      '   5 |     USER x',
      rule,
    ]);
  });

  it('says so where nothing is found, and leaves an error to itself', () => {
    expect(checkLines(checked('FROM scratch'))).to.deep.equal(['Check complete, no warnings found.']);
    expect(checkLines(checked('FORM scratch'))).to.deep.equal([]);
  });

  it("is BuildKit's JSON", () => {
    const text = 'FROM scratch\nMAINTAINER a\nCOYP a \\\n b\n';
    expect(JSON.parse(checkJson(checked(text)))).to.deep.equal({
      warnings: [
        {
          ruleName: 'MaintainerDeprecated',
          description:
            'The MAINTAINER instruction is deprecated, use a label instead to define an image author',
          url: `${url}maintainer-deprecated/`,
          detail: 'Maintainer instruction is deprecated in favor of using label',
          location: { ranges: [{ start: { line: 2 }, end: { line: 2 } }] },
        },
      ],
      sources: [
        { filename: 'Dockerfile', data: Buffer.from(text).toString('base64'), language: 'Dockerfile' },
      ],
      buildError: {
        message: 'unknown instruction: COYP (did you mean COPY?)',
        location: { ranges: [{ start: { line: 3 }, end: { line: 3 } }] },
      },
    });
  });
});

describe('--call', () => {
  it('takes a method and a format', () => {
    expect(parseBuildCall('check')).to.deep.equal({ method: 'check', format: 'text' });
    expect(parseBuildCall('lint,format=json')).to.deep.equal({ method: 'check', format: 'json' });
    expect(parseBuildCall('outline,format=text')).to.deep.equal({ method: 'outline', format: 'text' });
  });

  for (const text of ['', 'chekc', 'check,json', 'check,format=xml', 'check,']) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      try {
        parseBuildCall(text);
        expect.fail('accepted');
      } catch (error) {
        if (!isHawserError(error, 'INVALID_ARGUMENT')) throw error;
      }
    });
  }
});
