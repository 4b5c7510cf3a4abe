import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { type ServedRegistry, serveHawser } from './support/registry.ts';
import { run } from './support/run.ts';
import { Sandbox } from './support/sandbox.ts';
import { SlowRegistry } from './support/slow-registry.ts';

/** Each blob under its own digest: whatever interrupted a writer, no reader ever sees half of one. */
async function checkBlobs(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const digest = createHash('sha256')
      .update(await readFile(join(folder, name)))
      .digest('hex');
    expect(digest, 'a blob whose name is not its digest').to.equal(name);
  }
}

describe('faults', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  let running: { stop(): Promise<void> }[] = [];

  beforeEach(async () => {
    sandbox = await Sandbox.create();
    await sandbox.importBusybox();
  });
  afterEach(async () => {
    for (const server of running.toReversed()) await server.stop();
    running = [];
    const mounts = await sandbox.mounts();
    const processes = await sandbox.processes();
    await sandbox.dispose();
    expect(mounts, 'what is left mounted').to.deep.equal([]);
    expect(processes, 'what still runs').to.deep.equal([]);
  });

  const blobs = () => join(sandbox.root, 'images/blobs/sha256');

  /** Waits for a step's own words in the plain progress. */
  async function untilItSays(child: ReturnType<Sandbox['start']>, word: RegExp): Promise<void> {
    let text = '';
    await new Promise<void>((resolve, reject) => {
      child.stderr.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (word.test(text)) resolve();
      });
      child.once('exit', () => reject(new Error(`it ended and did not say ${word}:\n${text}`)));
    });
  }

  async function ended(child: ChildProcess): Promise<number | NodeJS.Signals | null> {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return child.exitCode ?? child.signalCode;
  }

  /** A build whose step says "under way" and then takes long; the marker file makes the next one quick. */
  const slowBuild = async () => {
    await sandbox.write({
      'slow/Dockerfile':
        'FROM busybox\nRUN echo before > /a\nCOPY wait /wait\nRUN echo under way; sleep $(cat /wait); echo x > /b\n',
      'slow/wait': '600',
    });
    const child = sandbox.start('build', '--progress', 'plain', '-t', 'slow', 'slow');
    child.stdout.resume();
    await untilItSays(child, /^#\d+ [\d.]+ under way$/m);
    return child;
  };
  /** The next build, on what the one before left behind. */
  const nextBuild = async () => {
    await sandbox.write({ 'slow/wait': '0' });
    const { code, stderr } = await sandbox.try(['build', '--progress', 'plain', '-t', 'slow', 'slow']);
    expect(code, stderr).to.equal(0);
    expect(await sandbox.hawser('run', '--rm', 'slow', 'cat', '/a', '/b')).to.equal('before\nx');
    expect(await sandbox.hawser('image', 'ls', '-q', 'slow')).not.to.equal('');
    await checkBlobs(blobs());
    return stderr;
  };

  it('kill -9 of a build: the next one goes on from its finished steps, and nothing is left', async () => {
    const child = await slowBuild();
    child.kill('SIGKILL');
    expect(await ended(child)).to.equal('SIGKILL');
    expect(await sandbox.hawser('image', 'ls', '-q', 'slow')).to.equal('');
    expect(await nextBuild()).to.match(/^#1 CACHED$/m);
  });

  /** Cgroups of build steps, of whatever hawser: another test's may come and go. */
  const stepCgroups = async (pid: number) => {
    const found: string[] = [];
    for (const controller of ['', ...(await readdir('/sys/fs/cgroup').catch(() => []))]) {
      const names = await readdir(join('/sys/fs/cgroup', controller, 'hawser')).catch(() => []);
      found.push(...names.filter(name => name.startsWith(`step-${pid}-`)));
    }
    return found;
  };

  for (const isolation of ['auto', 'chroot']) {
    for (const [signals, code] of [
      [['SIGINT'], 130],
      [['SIGINT', 'SIGINT'], 130],
      [['SIGTERM'], 143],
      [['SIGTERM', 'SIGTERM'], 143],
    ] as const) {
      it(`${signals.join(' and ')} of a build under ${isolation}: ${code}, and nothing is left`, async () => {
        const tree =
          'setsid sh -c "trap : INT TERM; sleep 600; sleep 600" & nohup sleep 600 & sleep 600 | sleep 600';
        await sandbox.write({ 'tree/Dockerfile': `FROM busybox\nRUN echo under way; ${tree}\n` });
        const child = sandbox.start('build', '--isolation', isolation, '--progress', 'plain', 'tree');
        child.stdout.resume();
        await untilItSays(child, /^#\d+ [\d.]+ under way$/m);
        for (const signal of signals) child.kill(signal);
        expect(await ended(child)).to.equal(code);
        expect(await sandbox.mounts()).to.deep.equal([]);
        expect(await sandbox.processes()).to.deep.equal([]);
        expect(await stepCgroups(child.pid as number)).to.deep.equal([]);
        const { HAWSER_RUN = '' } = sandbox.env;
        expect(await readdir(join(HAWSER_RUN, 'steps'))).to.deep.equal([]);
        const left = (await readdir(sandbox.root, { recursive: true })).filter(name => name.endsWith('.tmp'));
        expect(left).to.deep.equal([]);
        expect(await sandbox.hawser('builder', 'history', '--format', '{{.Status}}')).to.equal('cancelled');
      });
    }
  }

  it('two builds at once on one root: both end well, and share their steps', async () => {
    await sandbox.write({
      'both/Dockerfile': 'FROM busybox\nRUN sleep 1; cat /proc/sys/kernel/random/uuid > /id\n',
    });
    const results = await Promise.all(
      ['one', 'two', 'three'].map(tag => sandbox.try(['build', '-t', tag, 'both'])),
    );
    expect(results.map(({ code, stderr }) => (code === 0 ? '' : stderr))).to.deep.equal(['', '', '']);
    for (const tag of ['one', 'two', 'three']) {
      expect(await sandbox.hawser('run', '--rm', tag, 'cat', '/id')).to.match(/^[0-9a-f-]{36}$/);
    }
    await checkBlobs(blobs());
  });

  describe('with a registry', () => {
    let registry: ServedRegistry;
    let slow: SlowRegistry;
    beforeEach(async () => {
      registry = await serveHawser(sandbox, join(sandbox.folder, 'volume'));
      running.push(registry);
      slow = await SlowRegistry.start(registry.port);
      running.push(slow);
    });

    /** Kills the command in the middle of a blob. */
    const killInTransfer = async (...args: string[]) => {
      const child = sandbox.start(...args);
      child.stdout.resume();
      child.stderr.resume();
      await slow.transferring;
      await delay(200);
      child.kill('SIGKILL');
      expect(await ended(child)).to.equal('SIGKILL');
      slow.hurry();
    };
    const namesOf = async () =>
      (await sandbox.hawser('image', 'ls', '--format', '{{.Repository}}')).split('\n');

    it('kill -9 of a pull: no name, no half blob; the next pull works', async () => {
      await sandbox.hawser('tag', 'busybox', `${registry.host}/app:1`);
      await sandbox.hawser('push', '-q', `${registry.host}/app:1`);
      await sandbox.hawser('rmi', 'busybox', `${registry.host}/app:1`);
      const name = `${slow.host}/app:1`;
      await killInTransfer('pull', name);
      await checkBlobs(blobs());
      expect(await namesOf()).to.deep.equal(['']);
      await sandbox.hawser('pull', '-q', name);
      expect(await sandbox.hawser('run', '--rm', name, 'echo', 'works')).to.equal('works');
      await checkBlobs(blobs());
    });

    it('kill -9 of a push: no tag, no half blob in the registry; the next push works', async () => {
      const name = `${slow.host}/app:1`;
      await sandbox.hawser('tag', 'busybox', name);
      await killInTransfer('push', name);
      const tags = await fetch(`http://${registry.host}/v2/app/tags/list`);
      expect(tags.status).to.equal(404);
      await sandbox.hawser('push', '-q', name);
      await sandbox.hawser('rmi', 'busybox', name);
      expect(await sandbox.hawser('run', '-q', '--rm', `${registry.host}/app:1`, 'echo', 'works')).to.equal(
        'works',
      );
    });

    it('kill -9 of the registry: what it has confirmed is there when it runs again', async () => {
      const name = `${registry.host}/app:1`;
      await sandbox.hawser('tag', 'busybox', name);
      await sandbox.hawser('push', '-q', name);
      await registry.stop('SIGKILL');
      const again = await serveHawser(sandbox, join(sandbox.folder, 'volume'));
      running.push(again);
      await sandbox.hawser('rmi', 'busybox', name);
      expect(await sandbox.hawser('run', '-q', '--rm', `${again.host}/app:1`, 'echo', 'works')).to.equal(
        'works',
      );
    });
  });

  it('a disk that a step fills, or its layer: both say so, leave nothing, and build when there is room', async () => {
    const disk = join(sandbox.folder, 'disk');
    await mkdir(disk);
    await run(['mount', '-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', disk], { check: true });
    try {
      const state = { HAWSER_ROOT: join(disk, 'root'), HAWSER_RUN: join(sandbox.folder, 'run2') };
      const env = { ...sandbox.env, ...state };
      const imported = await sandbox.try(['import', join(sandbox.folder, 'busybox.tar'), 'busybox'], { env });
      expect(imported.code, imported.stderr).to.equal(0);
      const used = async () => {
        const { blocks, bfree, bsize } = await statfs(disk);
        return (blocks - bfree) * bsize;
      };
      const write = (megabytes: number) => `dd if=/dev/urandom of=/big bs=1000000 count=${megabytes}`;
      await sandbox.write({
        'step/Dockerfile': `FROM busybox\nRUN echo before > /a\nRUN ${write(40)}\n`,
        'layer/Dockerfile': `FROM busybox\nRUN echo before > /a\nRUN ${write(18)}\n`,
        'fits/Dockerfile': `FROM busybox\nRUN echo before > /a\nRUN ${write(6)}\n`,
      });
      const first = await sandbox.try(['build', '-q', '-t', 'one', '-'], {
        env,
        input: 'FROM busybox\nRUN echo before > /a\n',
      });
      expect(first.code, first.stderr).to.equal(0);
      const before = await used();
      for (const [name, code] of [
        ['step', /\[BUILD_STEP_FAILED\][^]*No space left[^]*The disk is full.*system prune/],
        ['layer', /\[NO_SPACE\][^]*system prune/],
      ] as const) {
        const full = await sandbox.try(['build', '--progress', 'plain', name], { env });
        expect(full.code, full.stderr).to.equal(1);
        expect(full.stderr)
          .to.match(code)
          .and.to.match(/^#\d+ CACHED$/m);
        expect((await used()) - before, `left by ${name}`).to.be.lessThan(300_000);
        const check = await sandbox.try(['system', 'fsck', '--format', 'json'], { env });
        expect((JSON.parse(check.stdout) as { problems: unknown[] }).problems).to.deep.equal([]);
      }
      const fits = await sandbox.try(['build', '-q', '-t', 'fits', 'fits'], { env });
      expect(fits.code, fits.stderr).to.equal(0);
    } finally {
      await run(['umount', '-l', disk], { check: true });
    }
  });

  it('a secret whose file is missing: says which, before anything runs, and works when it is there', async () => {
    await sandbox.write({
      'app/Dockerfile':
        'FROM busybox\nRUN echo before > /a\nRUN --mount=type=secret,id=key cat /run/secrets/key | wc -c\n',
    });
    const args = ['build', '--progress', 'plain', '--secret', 'id=key,src=missing', 'app'];
    const { code, stderr } = await sandbox.try(args);
    expect(code).to.equal(2);
    expect(stderr).to.match(/there is no file "missing" \[INVALID_ARGUMENT\]\n {2}Use id=ID,src=FILE/);
    await sandbox.write({ missing: 'secret' });
    const again = await sandbox.try(args);
    expect(again.code, again.stderr).to.equal(0);
  });

  it('a full disk: one clear message, and a store that still works', async () => {
    const disk = join(sandbox.folder, 'disk');
    await mkdir(disk);
    await run(['mount', '-t', 'tmpfs', '-o', 'size=20m', 'tmpfs', disk], { check: true });
    try {
      const env = {
        ...sandbox.env,
        HAWSER_ROOT: join(disk, 'root'),
        HAWSER_RUN: join(sandbox.folder, 'run2'),
      };
      const archive = join(sandbox.folder, 'busybox.tar');
      const small = await sandbox.try(['import', archive, 'busybox'], { env });
      expect(small.code, small.stderr).to.equal(0);
      await writeFile(join(sandbox.folder, 'big'), Buffer.alloc(30_000_000, 1));
      await run(['tar', '-cf', 'big.tar', 'big'], { cwd: sandbox.folder, check: true });
      await sandbox.write({ 'fill/Dockerfile': 'FROM busybox\nCOPY big /big\n' });
      await run(['cp', 'big', 'fill/big'], { cwd: sandbox.folder, check: true });
      for (const args of [
        ['import', join(sandbox.folder, 'big.tar'), 'big'],
        ['build', '-q', '-t', 'big', join(sandbox.folder, 'fill')],
      ]) {
        const full = await sandbox.try(args, { env });
        expect(full.code, full.stderr).to.equal(1);
        expect(full.stderr).to.match(/\[NO_SPACE\]/);
        expect(full.stderr).not.to.match(/^ +at .*\.js/m);
        expect(full.stderr.split('\n').length).to.be.lessThan(8);
        await checkBlobs(join(disk, 'root/images/blobs/sha256'));
      }
      const after = await sandbox.try(['image', 'ls', '--format', '{{.Repository}}'], { env });
      expect(after).to.include({ code: 0, stdout: 'busybox\n' });
      const works = await sandbox.try(['save', '-o', join(sandbox.folder, 'saved.tar'), 'busybox'], { env });
      expect(works.code, works.stderr).to.equal(0);
      expect(existsSync(join(sandbox.folder, 'saved.tar'))).to.equal(true);
    } finally {
      await run(['umount', '-l', disk], { check: true });
    }
  });
});
