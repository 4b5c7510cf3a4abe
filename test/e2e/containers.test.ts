import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { freePort } from './support/ports.ts';
import { run } from './support/run.ts';
import { Sandbox } from './support/sandbox.ts';

/** Asks again until the answer fits; machines differ in how long a start takes. */
async function until<T>(ask: () => Promise<T>, fits: (answer: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries++) {
    const answer = await ask();
    if (fits(answer) || tries === 100) return answer;
    await delay(50);
  }
}

describe('containers', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;

  before(async () => {
    sandbox = await Sandbox.create();
    await sandbox.importBusybox();
  });
  afterEach(async () => {
    const left = (await sandbox.hawser('ps', '-aq')).split('\n').filter(id => id !== '');
    if (left.length > 0) await sandbox.hawser('rm', '-f', '-v', ...left);
    expect(await sandbox.mounts(), 'what is left mounted').to.deep.equal([]);
  });
  after(() => sandbox?.dispose());

  const inBusybox = (...args: string[]) => sandbox.hawser('run', '--rm', ...args);
  const start = (name: string, ...args: string[]) => sandbox.hawser('run', '-d', '--name', name, ...args);

  describe('run', () => {
    const endings: readonly {
      readonly args: readonly string[];
      readonly code: number;
      readonly says?: string;
    }[] = [
      { args: ['busybox', 'true'], code: 0 },
      { args: ['busybox', 'sh', '-c', 'exit 42'], code: 42 },
      { args: ['busybox', 'sh', '-c', 'sh -c "kill -9 \\$\\$"; exit $?'], code: 137 },
      { args: ['busybox', '/nowhere'], code: 127, says: '[COMMAND_NOT_FOUND]' },
      { args: ['busybox', 'no-such-command'], code: 127, says: '"no-such-command"' },
      { args: ['busybox', '/etc/passwd'], code: 126, says: '[COMMAND_NOT_EXECUTABLE]' },
      { args: ['busybox', '/etc'], code: 126, says: '[COMMAND_NOT_EXECUTABLE]' },
      { args: ['--memory', 'much', 'busybox', 'true'], code: 125, says: '--memory "much"' },
      { args: ['--network', 'wrong', 'busybox', 'true'], code: 125, says: 'bridge, host, none' },
      { args: ['--user', 'nobody-here', 'busybox', 'true'], code: 125, says: 'nobody-here' },
      { args: ['--pull', 'never', 'missing', 'true'], code: 125, says: '[IMAGE_UNKNOWN]' },
    ];
    for (const { args, code, says = '' } of endings.filter(
      ({ args }) => !args.join().includes('kill -TERM'),
    )) {
      it(`${args.join(' ')} ends with ${code}`, async () => {
        const result = await sandbox.try(['run', '--rm', ...args]);
        expect(result.code, result.stderr).to.equal(code);
        expect(result.stderr).to.contain(says);
        expect(await sandbox.hawser('ps', '-aq')).to.equal('');
      });
    }

    it('keeps stdout and stderr apart, and hands stdin on with -i', async () => {
      const both = await sandbox.try(['run', '--rm', 'busybox', 'sh', '-c', 'echo out; echo err >&2']);
      expect(both).to.include({ code: 0, stdout: 'out\n', stderr: 'err\n' });
      const input = 'a\nb\n'.repeat(50_000);
      const piped = await sandbox.try(['run', '--rm', '-i', 'busybox', 'sh', '-c', 'wc -c; echo end'], {
        input,
      });
      expect(piped).to.include({ code: 0, stdout: `${input.length}\nend\n` });
      const without = await sandbox.try(['run', '--rm', 'busybox', 'wc', '-c'], { input });
      expect(without.stdout).to.equal('0\n');
    });

    it('sets variables, user, folder and host name', async () => {
      const flags = ['-e', 'A=1', '-e', 'B=two words', '-u', 'app', '-w', '/tmp', '-h', 'here'];
      const script = 'echo "$A $B $(id -un) $(pwd) $(hostname)"';
      expect(await inBusybox(...flags, 'busybox', 'sh', '-c', script)).to.equal('1 two words app /tmp here');
    });

    it('leaves the image as it was, and nothing with --rm', async () => {
      const script = 'rm /etc/group; echo changed > /etc/passwd; echo x > /new; ls / | tr "\\n" " "';
      expect(await inBusybox('busybox', 'sh', '-c', script)).to.contain('new');
      expect(
        await inBusybox('busybox', 'sh', '-c', 'ls -d /new; head -n1 /etc/passwd /etc/group; true'),
      ).to.contain('root:x:0:0');
      expect(await readdir(join(sandbox.root, 'containers'), { recursive: true })).to.deep.equal(['names']);
    });
  });

  describe('a container that runs', () => {
    it('is listed, inspected, stopped and removed', async () => {
      const id = await start('web', '--label', 'a=b', 'busybox', 'sleep', '100');
      expect(id).to.match(/^[0-9a-f]{64}$/);
      expect(await sandbox.hawser('ps', '--format', '{{.Names}} {{.Image}} {{.State}}')).to.equal(
        'web busybox running',
      );
      const template = '{{.State.Status}} {{.Config.Labels.a}} {{.State.Running}}';
      expect(await sandbox.hawser('container', 'inspect', '-f', template, 'web')).to.equal('running b true');
      expect(await sandbox.hawser('stop', '-t', '0', 'web')).to.equal('web');
      expect(await sandbox.hawser('ps', '-q')).to.equal('');
      expect(await sandbox.hawser('ps', '-a', '--format', '{{.Names}} {{.State}}')).to.equal('web exited');
      const code = await sandbox.hawser('container', 'inspect', '-f', '{{.State.ExitCode}}', id.slice(0, 6));
      expect(code).to.equal('137');
      expect(await sandbox.hawser('rm', 'web')).to.equal('web');
      expect(await sandbox.hawser('ps', '-aq')).to.equal('');
    });

    it('is asked by its stop signal before it is killed', async () => {
      await start(
        'polite',
        'busybox',
        'sh',
        '-c',
        'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.1; done',
      );
      await until(
        () => sandbox.hawser('logs', 'polite'),
        text => text === 'up',
      );
      await sandbox.hawser('stop', 'polite');
      expect(await sandbox.hawser('wait', 'polite')).to.equal('3');
      expect(await sandbox.hawser('logs', 'polite')).to.equal('up\nbye');
    });

    it('cannot be removed without -f, and its name cannot be used twice', async () => {
      await start('once', 'busybox', 'sleep', '100');
      const removed = await sandbox.try(['rm', 'once']);
      expect(removed.code).to.equal(1);
      expect(removed.stderr).to.match(/once.*\[CONFLICT\]/);
      const second = await sandbox.try(['run', '--name', 'once', 'busybox', 'true']);
      expect(second.code).to.equal(125);
      expect(second.stderr).to.match(/"once" is taken by [0-9a-f]{12} \[ALREADY_EXISTS\]/);
      expect(second.stderr).to.contain('hawser container rm once');
      await sandbox.hawser('rm', '-f', 'once');
    });

    it('runs further programs by exec', async () => {
      await start('box', '-e', 'A=1', 'busybox', 'sleep', '100');
      expect(
        await sandbox.hawser(
          'exec',
          '-e',
          'B=2',
          '-u',
          'app',
          '-w',
          '/tmp',
          'box',
          'sh',
          '-c',
          'echo $A $B; id -u; pwd',
        ),
      ).to.equal('1 2\n1000\n/tmp');
      const failed = await sandbox.try(['exec', 'box', 'sh', '-c', 'echo no >&2; exit 7']);
      expect(failed).to.include({ code: 7, stderr: 'no\n' });
      expect((await sandbox.try(['exec', 'box', 'nothing-here'])).code).to.equal(127);
      const piped = await sandbox.try(['exec', '-i', 'box', 'sh', '-c', 'cat > /file; wc -c < /file'], {
        input: 'hello',
      });
      expect(piped).to.include({ code: 0, stdout: '5\n' });
    });

    it('shows what it wrote: all, the last lines, and on and on with -f', async () => {
      await start(
        'talk',
        'busybox',
        'sh',
        '-c',
        'for i in 1 2 3; do echo line $i; done; sleep 1; echo err >&2; sleep 0.5; echo end',
      );
      const followed = await sandbox.try(['logs', '-f', 'talk']);
      expect(followed).to.include({ code: 0, stdout: 'line 1\nline 2\nline 3\nend\n', stderr: 'err\n' });
      expect(await sandbox.hawser('logs', '--tail', '1', 'talk')).to.equal('end');
      const timed = await sandbox.hawser('logs', '-t', '--tail', '1', 'talk');
      expect(timed).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\S+ end$/);
    });

    it('is joined by attach, which ends with its exit code', async () => {
      const script = 'read line; echo "got $line"; exit 7';
      await sandbox.hawser('run', '-d', '-i', '--name', 'joined', 'busybox', 'sh', '-c', script);
      const attached = await sandbox.try(['attach', 'joined'], { input: 'this\n' });
      expect([attached.code, attached.stdout]).to.deep.equal([7, 'got this\n']);
      const late = await sandbox.try(['attach', 'joined']);
      expect(late.code).to.equal(1);
      expect(late.stderr).to.contain('is not running [CONFLICT]');
    });

    it('ends with the foreground command that gets SIGTERM', async () => {
      const child = sandbox.start(
        'run',
        '--rm',
        '--name',
        'fore',
        'busybox',
        'sh',
        '-c',
        'trap "exit 5" TERM; echo up; while :; do sleep 0.1; done',
      );
      await once(child.stdout, 'data');
      child.kill('SIGTERM');
      const [code] = await once(child, 'exit');
      expect(code).to.equal(5);
      expect(await sandbox.hawser('ps', '-aq')).to.equal('');
    });
  });

  describe('networks', () => {
    const serve = ['busybox', 'sh', '-c', 'echo page > /tmp/index.html; exec httpd -f -p 80 -h /tmp'];
    const page = (port: number) =>
      until(
        () =>
          fetch(`http://127.0.0.1:${port}/`).then(
            answer => answer.text(),
            () => undefined,
          ),
        text => text !== undefined,
      );

    it('publish ports with -p, until the container is removed', async () => {
      const port = await freePort();
      await start('web', '-p', `127.0.0.1:${port}:80`, ...serve);
      expect(await page(port)).to.equal('page\n');
      expect(await sandbox.hawser('ps', '--format', '{{.Ports}}')).to.equal(`127.0.0.1:${port}->80/tcp`);
      await sandbox.hawser('rm', '-f', 'web');
      expect(await fetch(`http://127.0.0.1:${port}/`).catch(() => 'refused')).to.equal('refused');
      const rules = await run(['iptables-save', '-t', 'nat']);
      expect(rules.stdout).not.to.contain(`dport ${port} `);
    });

    it('of the host are the host, of none have only loopback, of bridge are apart', async () => {
      const names = 'ls /sys/class/net';
      const host = (await readdir('/sys/class/net')).sort();
      expect(
        (await inBusybox('--network', 'host', 'busybox', 'sh', '-c', names)).split(/\s+/).sort(),
      ).to.include.members(host.filter(name => name === 'lo' || name.startsWith('eth')));
      const devices = 'tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " "';
      expect(await inBusybox('--network', 'none', 'busybox', 'sh', '-c', devices)).to.equal('lo');
      expect((await inBusybox('busybox', 'sh', '-c', devices)).split('\n').sort()).to.deep.equal([
        'eth0',
        'lo',
      ]);
    });

    it('connect containers on the bridge', async () => {
      await start('server', ...serve);
      const address = await sandbox.hawser(
        'container',
        'inspect',
        '-f',
        '{{.NetworkSettings.IPAddress}}',
        'server',
      );
      expect(address).to.match(/^10\.|^172\.|^192\./);
      const fetched = await until(
        () => sandbox.try(['run', '--rm', 'busybox', 'wget', '-q', '-O', '-', `http://${address}/`]),
        result => result.code === 0,
      );
      expect(fetched.stdout).to.equal('page\n');
    });

    it('refuse a port that is taken, and leave no container', async () => {
      const port = await freePort();
      await start('first', '-p', `127.0.0.1:${port}:80`, ...serve);
      const second = await sandbox.try(['run', '--rm', '-p', `127.0.0.1:${port}:80`, ...serve]);
      expect(second.code).to.equal(125);
      expect(second.stderr).to.contain(String(port)).and.to.contain('[ADDRESS_IN_USE]');
      expect((await sandbox.hawser('ps', '-aq')).split('\n')).to.have.length(1);
    });
  });

  describe('volumes', () => {
    it('bind folders and files of the host, also read-only', async () => {
      const folder = join(sandbox.folder, 'data');
      await sandbox.write({ 'data/in': 'given\n' });
      const script = 'cat /data/in; echo out > /data/out; cat /etc/one; echo x > /ro/new';
      const mounts = ['-v', `${folder}:/data`, '-v', `${folder}/in:/etc/one:ro`, '-v', `${folder}:/ro:ro`];
      const result = await sandbox.try(['run', '--rm', ...mounts, 'busybox', 'sh', '-c', script]);
      expect(result.stdout).to.equal('given\ngiven\n');
      expect(result.stderr).to.contain('Read-only file system');
      expect(await readFile(join(folder, 'out'), 'utf8')).to.equal('out\n');
      expect(existsSync(join(folder, 'new'))).to.equal(false);
    });

    it('that have a name outlive containers, and begin with what the image has there', async () => {
      const first = await inBusybox(
        '-v',
        'cache:/etc',
        'busybox',
        'sh',
        '-c',
        'echo kept > /etc/mine; ls /etc',
      );
      expect(first.split('\n')).to.include.members(['mine', 'passwd', 'group']);
      expect(await inBusybox('-v', 'cache:/c', 'busybox', 'cat', '/c/mine')).to.equal('kept');
    });

    it('that do not exist are made as folders', async () => {
      const folder = join(sandbox.folder, 'new', 'deep');
      await inBusybox('-v', `${folder}:/data`, 'busybox', 'touch', '/data/file');
      expect(await readdir(folder)).to.deep.equal(['file']);
    });
  });

  it('keep their writable layer between stop and start', async () => {
    await start('twice', 'busybox', 'sh', '-c', 'echo more >> /log; cat /log');
    await sandbox.hawser('wait', 'twice');
    await sandbox.hawser('start', 'twice');
    await sandbox.hawser('wait', 'twice');
    expect(await sandbox.hawser('logs', 'twice')).to.equal('more\nmore\nmore');
  });
});
