import { expect } from 'chai';
import { checkBuild, type LookUpConfig, unconsumedArguments } from '../../src/builder/check-build.ts';
import type { Finding } from '../../src/builder/dockerfile/lint/finding.ts';
import { parseDockerfile } from '../../src/builder/dockerfile/parse.ts';
import { parseProgram } from '../../src/builder/dockerfile/stages.ts';
import { HawserError } from '../../src/errors/hawser-error.ts';
import { formatPlatform, parsePlatform } from '../../src/image/platform.ts';
import { BuildSandbox, errorOf, Log } from './support.ts';

/** A log that takes what the checks found. */
class CheckLog extends Log {
  findings: readonly Finding[] = [];
  readonly warnings: string[] = [];
  checked(findings: readonly Finding[]): void {
    this.findings = findings;
  }
  warning(message: string): void {
    this.warnings.push(message);
  }
}

const namesOf = (findings: readonly Finding[]) => findings.map(({ rule }) => rule.name);

describe('checks of a build', () => {
  let sandbox: BuildSandbox;
  before(async () => {
    sandbox = await BuildSandbox.open();
  });
  after(() => sandbox.close());

  const wrong = 'FROM scratch AS unneeded\nENV a b\nFROM scratch as last\nCOPY hidden /\nENV A=$B\n';

  it('tell of the stages that are built, once, and stop nothing', async () => {
    const context = sandbox.context({ Dockerfile: 'FROM scratch as x\nENV a b\nENV A=$B' });
    const log = new CheckLog();
    await sandbox.build(context, { buildArgs: { C: '1', HTTP_PROXY: 'x' } }, { observer: log });
    expect(namesOf(log.findings)).to.deep.equal(['FromAsCasing', 'LegacyKeyValueFormat', 'UndefinedVar']);
    expect(log.warnings).to.deep.equal(['build arguments that no ARG asks for: C']);
    const unneeded = sandbox.context({ Dockerfile: wrong.replace('COPY hidden /\n', '') });
    await sandbox.build(unneeded, {}, { observer: log });
    expect(namesOf(log.findings)).to.deep.equal(['FromAsCasing', 'UndefinedVar']);
  });

  it('stop a build that asks for it before its first step', async () => {
    const context = sandbox.context({
      Dockerfile: `# check=error=true\n${wrong}`,
      '.dockerignore': 'hidden',
    });
    const log = new CheckLog();
    const error = await errorOf(() => sandbox.build(context, {}, { observer: log }));
    expect(error.code).to.equal('CHECK_FAILED');
    expect(error.message).to.equal(
      'lint violation found for rules: FromAsCasing, CopyIgnoredFile, UndefinedVar',
    );
    expect([error.location?.line, error.location?.column]).to.deep.equal([4, 14]);
    expect(log.events).to.deep.equal([]);
    const skipped = await errorOf(() =>
      sandbox.build(context, { buildArgs: { BUILDKIT_DOCKERFILE_CHECK: 'skip=all' } }, { observer: log }),
    );
    expect(skipped.code).to.equal('COPY_SOURCE_UNKNOWN');
  });

  it('refuse a file for another frontend, unless it is to be read all the same', async () => {
    const context = sandbox.context({ Dockerfile: '# syntax=example/other\nFROM scratch\nLABEL a=b' });
    expect((await errorOf(() => sandbox.build(context))).message).to.contain('"example/other"');
    await sandbox.build(context, { buildArgs: { BUILDKIT_SYNTAX: 'dockerfile.v0' } });
  });

  describe('without building', () => {
    const asked: string[] = [];
    const lookUp: LookUpConfig = async (image, platform) => {
      asked.push(`${image} ${formatPlatform(platform)}`);
      if (image === 'gone') throw new HawserError('MANIFEST_UNKNOWN', 'there is no such image');
      if (image === 'unknown') return undefined;
      const config = { Env: ['HOME=/root'], Shell: ['/bin/bash', '-c'] };
      return { os: 'linux', architecture: 'arm64', config, rootfs: { type: 'layers', diff_ids: [] } };
    };
    beforeEach(() => asked.splice(0));

    it('look at all stages, with the base images that are asked for once', async () => {
      const context = sandbox.context({
        Dockerfile:
          'FROM a AS x\nENV A=$HOME\nCMD y\nFROM a\nENV A=$B\nFROM --platform=linux/arm64 a\nFROM x\n',
      });
      const { findings, error } = await checkBuild(
        { context, platforms: [parsePlatform('linux/amd64')] },
        lookUp,
      );
      expect(error).to.equal(undefined);
      expect(asked).to.deep.equal(['a linux/amd64', 'a linux/arm64']);
      expect(findings.map(({ rule, lines }) => [rule.name, lines.start])).to.deep.equal([
        ['InvalidBaseImagePlatform', 1],
        ['InvalidBaseImagePlatform', 4],
        ['UndefinedVar', 5],
        ['FromPlatformFlagConstDisallowed', 6],
      ]);
    });

    it('ask for no image of a name that --build-context gives', async () => {
      const context = sandbox.context({
        Dockerfile: 'FROM b\nENV A=$HOME\nFROM debian:latest\nFROM c\nCMD x',
      });
      const contexts = { b: '.', debian: 'docker-image://a' };
      const { findings } = await checkBuild({ context, contexts }, lookUp);
      expect(asked.map(line => line.split(' ')[0])).to.deep.equal(['c']);
      expect(namesOf(findings)).not.to.include('UndefinedVar');
    });

    it('tell less of what an image says that nobody could look up', async () => {
      const context = sandbox.context({ Dockerfile: 'FROM unknown\nENV A=$HOME B=$C\nCMD x' });
      expect(namesOf((await checkBuild({ context }, lookUp)).findings)).to.deep.equal([
        'JSONArgsRecommended',
      ]);
    });

    it('give the line of an image that there is not', async () => {
      const context = sandbox.context({ Dockerfile: 'FROM scratch as a\nFROM gone' });
      const { findings, error } = await checkBuild({ context }, lookUp);
      expect(namesOf(findings)).to.deep.equal(['FromAsCasing']);
      expect([error?.code, error?.location?.line, error?.location?.column]).to.deep.equal([
        'MANIFEST_UNKNOWN',
        2,
        6,
      ]);
    });

    it('read the .dockerignore, and only the stages of a target', async () => {
      const context = sandbox.context({
        Dockerfile: 'FROM scratch AS a\nCOPY x /\nFROM scratch AS b\nCOPY y /\n',
        '.dockerignore': '*\n',
      });
      const { findings } = await checkBuild({ context, target: 'a' }, lookUp);
      expect(findings.map(({ rule, lines, hint }) => [rule.name, lines.start, hint])).to.deep.equal([
        ['CopyIgnoredFile', 2, '.dockerignore:1: * hides it; take it back below that line:'],
      ]);
    });
  });

  it('know the build arguments that nobody asks for', () => {
    const program = parseProgram(
      parseDockerfile('ARG A\nFROM scratch\nARG B=1 C\nFROM scratch\nARG D', { file: 'Dockerfile' }),
    );
    const given = Object.fromEntries(
      ['A', 'B', 'C', 'D', 'E', 'http_proxy', 'BUILDKIT_X', 'TARGETARCH'].map(name => [name, '1']),
    );
    expect(unconsumedArguments(program, given)).to.deep.equal(['E']);
  });
});
