import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { run } from './support/run.ts';
import { Sandbox } from './support/sandbox.ts';

const checkout = new URL('../..', import.meta.url).pathname;

describe('the npm package', function () {
  this.timeout(120_000);
  let sandbox: Sandbox;
  let hawser: (...args: string[]) => Promise<string>;

  before(async () => {
    sandbox = await Sandbox.create();
    await sandbox.importBusybox();
    const prefix = join(sandbox.folder, 'prefix');
    const elsewhere = join(sandbox.folder, 'elsewhere');
    await mkdir(elsewhere);
    const pack = ['npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', sandbox.folder];
    const packed = await run(pack, { cwd: checkout, check: true });
    const archive = join(sandbox.folder, packed.stdout.trim());
    const install = [
      'npm',
      'install',
      '-g',
      '--prefix',
      prefix,
      '--no-audit',
      '--no-fund',
      '--prefer-offline',
      archive,
    ];
    await run(install, { cwd: elsewhere, check: true });
    const env = {
      ...sandbox.env,
      HAWSER_ROOT: join(sandbox.folder, 'root2'),
      HAWSER_RUN: join(sandbox.folder, 'run2'),
    };
    hawser = async (...args) => {
      const { stdout } = await run([join(prefix, 'bin/hawser'), ...args], {
        cwd: elsewhere,
        env,
        check: true,
      });
      return stdout.trimEnd();
    };
  });
  after(async () => {
    const mounts = await sandbox?.mounts();
    await sandbox?.dispose();
    expect(mounts).to.deep.equal([]);
  });

  it('knows its version and its commands', async () => {
    expect(await hawser('--version')).to.match(/^hawser version \d+\.\d+\.\d+/);
    const help = await hawser('--help');
    for (const topic of ['image', 'registry', 'container'])
      expect(help).to.match(new RegExp(`^ +${topic} `, 'm'));
  });

  it('imports, builds and runs outside the checkout', async () => {
    await sandbox.write({
      'app/Dockerfile': 'FROM busybox\nCOPY f /f\nRUN echo made >> /f\nCMD ["cat", "/f"]\n',
      'app/f': 'x\n',
    });
    await hawser('import', join(sandbox.folder, 'busybox.tar'), 'busybox');
    await hawser('build', '-q', '-t', 'app', join(sandbox.folder, 'app'));
    expect(await hawser('run', '--rm', 'app')).to.equal('x\nmade');
    expect(await hawser('rmi', 'app')).to.contain('app:latest');
  });
});
