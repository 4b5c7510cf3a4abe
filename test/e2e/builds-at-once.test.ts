import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { systemErrorCode } from '../../src/errors/hawser-error.ts';
import { Gate, gatedRun } from './support/gate.ts';
import { Sandbox } from './support/sandbox.ts';

/** The result of its step no second run would find again. */
const dockerfile = `FROM busybox\n${gatedRun('cat /proc/sys/kernel/random/uuid > /made')}\n`;

describe('builds at once', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    sandbox = await Sandbox.create();
    await sandbox.importBusybox();
    await sandbox.write({ 'app/Dockerfile': dockerfile });
  });
  afterEach(async () => {
    for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
    const mounts = await sandbox.mounts();
    await sandbox.dispose();
    expect(mounts).to.deep.equal([]);
  });

  const start = (name: string) => {
    const child = sandbox.start('build', '--progress', 'plain', '--iidfile', name, 'app');
    children.push(child);
    const log: string[] = [];
    child.stderr.on('data', chunk => log.push(String(chunk)));
    return { child, log, ended: once(child, 'close') };
  };
  /** Until the process has the claim of a step open, as its holder or waiting for it. */
  const atClaim = async ({ pid }: ChildProcess) => {
    const isClaim = (fd: string) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`).includes('/build-cache/claims/');
      } catch (error) {
        if (systemErrorCode(error) !== 'ENOENT') throw error;
        return false; // closed meanwhile
      }
    };
    while (!readdirSync(`/proc/${pid}/fd`).some(isClaim)) await delay(10);
  };
  const idOf = (name: string) => readFileSync(join(sandbox.folder, name), 'utf8');

  it('do a step that both have once', async () => {
    const first = start('first');
    const gate = await Gate.reached(sandbox);
    const second = start('second');
    while (!second.log.join('').includes('waiting')) await once(second.child.stderr, 'data');
    await gate.open();
    expect((await first.ended)[0], first.log.join('')).to.equal(0);
    expect((await second.ended)[0], second.log.join('')).to.equal(0);
    expect(second.log.join('')).to.match(
      /^#(\d+) \[2\/2\] RUN .*\n#\1 waiting for another build\n#\1 CACHED$/m,
    );
    expect(idOf('second')).to.equal(idOf('first'));
    expect(readdirSync(join(sandbox.root, 'build-cache/claims'))).to.deep.equal([]);
  });

  it('go on by themselves when the one that was at it is killed', async () => {
    const first = start('first');
    const gate = await Gate.reached(sandbox);
    const second = start('second');
    await atClaim(second.child);
    first.child.kill('SIGKILL');
    await first.ended;
    await gate.open();
    expect((await second.ended)[0], second.log.join('')).to.equal(0);
    expect(second.log.join('')).not.to.match(/^#\d+ CACHED$/m);
    expect(readdirSync(join(sandbox.root, 'build-cache/claims'))).to.deep.equal([]);
    await sandbox.hawser('system', 'fsck');
  });
});
