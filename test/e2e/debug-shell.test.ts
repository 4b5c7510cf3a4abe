import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { executable, Sandbox } from './support/sandbox.ts';

const dockerfile = [
  'FROM busybox',
  'ENV FOO=bar',
  'WORKDIR /w',
  'RUN echo kept > /before',
  'RUN --mount=type=cache,target=/c echo gone > /gone; echo in > /c/x; exit 7',
  '',
].join('\n');

const typed = ['cat /before', 'ls /gone', 'echo "$FOO:$PWD:$(cat /c/x)"', 'echo > /scratch', 'exit 3'];

describe('a debug shell', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.create();
    await sandbox.importBusybox();
    await sandbox.write({ 'app/Dockerfile': dockerfile });
  });
  afterEach(async () => {
    const mounts = await sandbox.mounts();
    await sandbox.dispose();
    expect(mounts).to.deep.equal([]);
  });

  for (const isolation of ['oci', 'chroot']) {
    it(`is in the state before the step that failed (${isolation})`, async () => {
      const words = [process.execPath, executable, 'build', '--debug-shell', '--isolation', isolation, 'app'];
      // script(1) gives it a terminal.
      const child = spawn('script', ['-qefc', words.join(' '), '/dev/null'], {
        cwd: sandbox.folder,
        env: sandbox.env,
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      let screen = '';
      let waiting = true;
      child.stdout.on('data', chunk => {
        screen += String(chunk);
        if (!waiting || !/\/w # /.test(screen)) return;
        waiting = false;
        child.stdin.end(`${typed.join('\n')}\n`);
      });
      const [code] = await once(child, 'close');
      expect(code, screen).to.equal(1);
      expect(screen).to.include('The step again: echo gone > /gone; echo in > /c/x; exit 7');
      expect(screen).to.match(/^kept\r?$/m);
      expect(screen).to.match(/ls: \/gone: No such file or directory/);
      expect(screen).to.match(/^bar:\/w:in\r?$/m);
      expect(screen).to.include('ended with exit code 7');
      // Nothing of it is kept.
      await sandbox.write({ 'app/Dockerfile': dockerfile.replace(/^RUN --mount.*$/m, 'RUN ls / > /seen') });
      await sandbox.hawser('build', '-q', '--output', 'out', 'app');
      expect(readFileSync(`${sandbox.folder}/out/seen`, 'utf8').split('\n'))
        .to.include('before')
        .and.not.include.members(['gone', 'scratch']);
    });
  }

  it('is refused where there is no terminal', async () => {
    const { code, stderr } = await sandbox.try(['build', '--debug-shell', 'app']);
    expect(code).to.equal(2);
    expect(stderr).to.include('--debug-shell needs a terminal');
  });
});
