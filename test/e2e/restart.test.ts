import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { Sandbox } from './support/sandbox.ts';

interface Inspected {
  readonly Id: string;
  readonly RestartCount: number;
  readonly State: { readonly Pid: number; readonly Running: boolean; readonly ExitCode: number };
  readonly HostConfig: {
    readonly RestartPolicy: { readonly Name: string; readonly MaximumRetryCount: number };
  };
}

/** `--restart`: no daemon looks after containers, so that the one who cleans up behind them starts them again. */
describe('restart policies', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  before(async () => {
    sandbox = await Sandbox.create();
    await sandbox.importBusybox();
  });
  afterEach(async () => {
    const left = (await sandbox.hawser('ps', '-aq')).split('\n').filter(id => id !== '');
    if (left.length > 0) await sandbox.hawser('rm', '-f', ...left);
  });
  after(() => sandbox?.dispose());

  const inspect = async (name: string) =>
    (JSON.parse(await sandbox.hawser('container', 'inspect', name)) as Inspected[])[0] as Inspected;
  const until = async (name: string, fits: (found: Inspected) => boolean) => {
    for (;;) {
      const found = await inspect(name);
      if (fits(found)) return found;
      await delay(50);
    }
  };
  const forever = ['busybox', 'sh', '-c', 'trap "exit 0" TERM; echo up; while :; do sleep 0.1; done'];

  it('always: whatever ends its process, until it is stopped, and from a start on again', async () => {
    await sandbox.hawser('run', '-d', '--restart=always', '--name', 'aa', ...forever);
    let { State: state, RestartCount: count, HostConfig: config } = await inspect('aa');
    expect([state.Running, count, config.RestartPolicy.Name]).to.deep.equal([true, 0, 'always']);
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      const before: number = state.Pid;
      process.kill(before, signal);
      ({ State: state, RestartCount: count } = await until(
        'aa',
        found => found.State.Running && found.State.Pid > 0 && found.State.Pid !== before,
      ));
    }
    expect(count).to.equal(2);
    await sandbox.hawser('stop', 'aa');
    await sandbox.hawser('ps');
    expect((await inspect('aa')).State.Running).to.equal(false);
    await sandbox.hawser('start', 'aa');
    const again = await inspect('aa');
    expect([again.State.Running, again.RestartCount]).to.deep.equal([true, 0]);
    process.kill(again.State.Pid, 'SIGKILL');
    await until('aa', found => found.State.Running && found.RestartCount === 1);
    await sandbox.hawser('kill', 'aa');
    await until('aa', found => !found.State.Running);
    expect((await sandbox.hawser('logs', 'aa')).split('\n').filter(line => line === 'up')).to.have.length(5);
  });

  it('on-failure: as often as it says, and not after success', async () => {
    await sandbox.hawser(
      'run',
      '-d',
      '--restart',
      'on-failure:2',
      '--name',
      'bb',
      'busybox',
      'sh',
      '-c',
      'exit 3',
    );
    const last = await until('bb', ({ RestartCount, State }) => RestartCount === 2 && !State.Running);
    expect([last.State.ExitCode, last.HostConfig.RestartPolicy.MaximumRetryCount]).to.deep.equal([3, 2]);
    await sandbox.hawser('run', '-d', '--restart=on-failure', '--name', 'cc', 'busybox', 'true');
    const done = await until('cc', ({ State }) => !State.Running);
    expect(done.RestartCount).to.equal(0);
  });

  it('starts again what a killed cleanup forgot, with the next command', async () => {
    await sandbox.hawser('run', '-d', '--restart=unless-stopped', '--name', 'dd', ...forever);
    const { Id, State } = await inspect('dd');
    const start = join(sandbox.root, 'containers', Id, 'start.json');
    const { conmon } = JSON.parse(readFileSync(start, 'utf8')) as { conmon: { pid: number } };
    process.kill(-conmon.pid, 'SIGKILL');
    process.kill(State.Pid, 'SIGKILL');
    // Any command that changes containers.
    await sandbox.hawser('create', '--name', 'other', 'busybox');
    await until('dd', found => found.State.Running && found.State.Pid !== State.Pid && found.State.Pid > 0);
  });

  it('starts them after a reboot with `system boot`', async () => {
    const names = {
      always: 'always',
      stopped: 'always',
      unless: 'unless-stopped',
      left: 'unless-stopped',
      no: 'no',
    };
    for (const [name, policy] of Object.entries(names))
      await sandbox.hawser('run', '-d', '--restart', policy, '--name', name, ...forever);
    await sandbox.hawser('stop', 'stopped', 'left', 'always', 'unless', 'no');
    // As a reboot leaves them: ended in another boot, and stopped by nobody.
    for (const name of ['always', 'unless']) {
      const folder = join(sandbox.root, 'containers', (await inspect(name)).Id);
      rmSync(join(folder, 'stopped'));
      const start = JSON.parse(readFileSync(join(folder, 'start.json'), 'utf8')) as object;
      writeFileSync(join(folder, 'start.json'), JSON.stringify({ ...start, bootID: 'another' }));
    }
    await sandbox.hawser('ps');
    expect(await sandbox.hawser('ps', '-q')).to.equal('');
    const started = (await sandbox.hawser('system', 'boot')).split('\n').sort();
    expect(started).to.deep.equal(['always', 'stopped', 'unless']);
    expect(await sandbox.hawser('system', 'boot')).to.equal('');
    const unit = await sandbox.hawser('system', 'boot', '--unit');
    expect(unit)
      .to.match(/^ExecStart=\S+node \S+ system boot$/m)
      .and.contain(`HAWSER_ROOT=${sandbox.root}`);
  });

  it('refuses what cannot be', async () => {
    const both = await sandbox.try(['run', '--rm', '--restart=always', 'busybox', 'true']);
    expect([both.code, both.stderr]).to.satisfy(
      ([code, text]: [number, string]) => code === 125 && text.includes('--rm'),
    );
    const word = await sandbox.try(['run', '--restart=sometimes', 'busybox', 'true']);
    expect(word.code).to.equal(125);
    expect(word.stderr).to.contain('unless-stopped');
  });
});
