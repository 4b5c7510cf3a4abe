import { chmod, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { FakeRegistry, fakeImage, sha256 } from './support/fake-registry.ts';
import { Sandbox } from './support/sandbox.ts';

const wrong = 'FROM scratch as app\nENV key value\nADD file /\nCMD x\n';
const mended = 'FROM scratch AS app\nENV key=value\nCOPY file /\nCMD x\n';

describe('checks and lint', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;

  before(async () => {
    sandbox = await Sandbox.create();
  });
  beforeEach(() =>
    sandbox.write({
      'app/Dockerfile': wrong,
      'app/file': 'x',
      'good/Dockerfile': 'FROM scratch\nCOPY file /\n',
      'good/file': 'x',
      'broken/Dockerfile': 'FROM scratch as a\nCOYP file /\n',
    }),
  );
  after(() => sandbox?.dispose());

  const exits: readonly (readonly [line: string, exit: number, stdout: string, stderr?: string])[] = [
    ['build --check good', 0, 'Check complete, no warnings found.\n'],
    ['build --check app', 1, 'Check complete, 4 warnings have been found!'],
    ['build --call=check,format=json app', 1, '"ruleName": "FromAsCasing"'],
    ['build --call=check,format=json good', 0, '"warnings": []'],
    ['build --check broken', 1, 'FromAsCasing', 'unknown instruction: COYP (did you mean COPY?)'],
    ['build --call=check,format=json broken', 1, '"buildError"'],
    ['build --call=outline app', 0, 'TARGET: app'],
    ['build --call=targets app', 0, 'app (default)'],
    ['build --call=tragets app', 2, '', '[INVALID_ARGUMENT]'],
    ['build --check nowhere', 1, '', 'nowhere'],
    ['image lint good', 0, 'Nothing found.\n'],
    ['image lint app', 0, '--fix writes 3 of them.'],
    ['image lint --strict app', 1, '[LegacyKeyValueFormat]'],
    ['image lint --strict good', 0, 'Nothing found.'],
    ['image lint --format json app', 0, '"fixable": true'],
    ['image lint --format json broken', 1, '"error"'],
    ['image lint broken', 1, '[FromAsCasing]', 'unknown instruction: COYP'],
    ['image lint app/Dockerfile', 0, 'Dockerfile:1:14'],
    ['image lint -f app/Dockerfile good', 0, 'app/Dockerfile:1:14'],
    ['image lint --rules', 0, 'JSONArgsRecommended'],
    ['image lint --dry-run app', 2, '', '--fix'],
    ['image lint nowhere', 1, '', '[DOCKERFILE_UNKNOWN]'],
  ];
  for (const [line, exit, stdout, stderr = ''] of exits) {
    it(`hawser ${line}`, async () => {
      const result = await sandbox.try(line.split(' '));
      expect(result.code, `${result.stdout}${result.stderr}`).to.equal(exit);
      expect(result.stdout).to.contain(stdout);
      expect(result.stderr).to.contain(stderr);
    });
  }

  it('a build tells its warnings at the end, quietly none, and stops where they are errors', async () => {
    const built = await sandbox.try(['build', 'app']);
    expect(built.code).to.equal(0);
    expect(built.stderr).to.contain(' 4 warnings found (use --check to expand):\n - FromAsCasing: ');
    expect((await sandbox.try(['build', '-q', 'app'])).stderr).to.equal('');
    const refused = await sandbox.try([
      'build',
      '--build-arg',
      'BUILDKIT_DOCKERFILE_CHECK=error=true',
      'app',
    ]);
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.contain('[CHECK_FAILED]').and.contain('Dockerfile:1:14');
  });

  it('--fix writes, keeps mode and link, and has nothing to do a second time', async () => {
    const path = join(sandbox.folder, 'app/Dockerfile');
    await chmod(path, 0o640);
    await symlink('Dockerfile', join(sandbox.folder, 'app/Linked'));
    const shown = await sandbox.hawser('image', 'lint', '--fix', '--dry-run', 'app');
    expect(shown).to.contain('@@ -1,4 +1,4 @@').and.contain('+COPY file /');
    expect(await readFile(path, 'utf8')).to.equal(wrong);
    const result = await sandbox.try(['image', 'lint', '--fix', 'app/Linked']);
    expect(result.stderr).to.equal('Linked: 3 places mended\n');
    expect(await readFile(path, 'utf8')).to.equal(mended);
    expect((await stat(path)).mode & 0o7777).to.equal(0o640);
    const again = await sandbox.try(['image', 'lint', '--fix', 'app']);
    expect([again.stderr, again.code]).to.deep.equal(['', 0]);
    expect(await sandbox.hawser('image', 'lint', '--fix', '--dry-run', 'app')).to.equal('');
  });

  it('--fix leaves a file alone that is not UTF-8', async () => {
    const path = join(sandbox.folder, 'app/Dockerfile');
    const bytes = Buffer.concat([Buffer.from(wrong), Buffer.from([0x23, 0xff, 0x0a])]);
    await writeFile(path, bytes);
    const result = await sandbox.try(['image', 'lint', '--fix', 'app']);
    expect([result.code, result.stderr.includes('[UNSUPPORTED]')]).to.deep.equal([1, true]);
    expect(await readFile(path)).to.deep.equal(bytes);
  });

  it('a Dockerfile comes from stdin too', async () => {
    const result = await sandbox.try(['image', 'lint', '-'], { input: wrong });
    expect([result.code, result.stdout.includes('Dockerfile:1:14')]).to.deep.equal([0, true]);
    const refused = await sandbox.try(['image', 'lint', '--fix', '-'], { input: wrong });
    expect(refused.stderr).to.contain('--dry-run');
    const checked = await sandbox.try(['build', '--check', '-f', '-', 'app'], { input: wrong });
    expect([checked.code, checked.stdout.includes('4 warnings')]).to.deep.equal([1, true]);
  });

  it('--check reads the config of a base image, and none of its layers', async () => {
    const image = fakeImage(Buffer.from('a layer'));
    const withoutLayer = new Map([...image.blobs].filter(([digest]) => digest === sha256(image.config)));
    const registry = await FakeRegistry.start();
    registry.images.set('base', { ...image, blobs: withoutLayer });
    try {
      // a variable that nothing defines is only told where all of the image's are known
      await sandbox.write({ 'app/Dockerfile': `FROM ${registry.host}/base:1\nENV A=$PATH B=$UNKNOWN\n` });
      const result = await sandbox.try(['build', '--check', 'app']);
      expect(result.stdout).to.contain("Usage of undefined variable '$UNKNOWN'").and.not.contain("'$PATH'");
      await sandbox.write({ 'app/Dockerfile': `FROM ${registry.host}/other:1\n` });
      const missing = await sandbox.try(['build', '--check', 'app']);
      expect([missing.code, missing.stderr.includes('Dockerfile:1:6')]).to.deep.equal([1, true]);
    } finally {
      await registry.stop();
    }
  });
});
