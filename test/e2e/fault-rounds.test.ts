import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import type { SystemCheck } from '../../src/cli/check-system.ts';
import { type ServedRegistry, serveHawser } from './support/registry.ts';
import { run } from './support/run.ts';
import { Sandbox } from './support/sandbox.ts';

/** 100 for a night. */
const killRounds = Number(process.env.HAWSER_FAULT_ROUNDS ?? 20);
const sharedRounds = Math.ceil(killRounds / 2);

describe('fault rounds', function () {
  this.timeout(60_000 + killRounds * 6000);
  let sandbox: Sandbox;
  let registry: ServedRegistry;

  beforeEach(async () => {
    sandbox = await Sandbox.create();
    await sandbox.importBusybox();
    registry = await serveHawser(sandbox, join(sandbox.folder, 'volume'));
    await writeFile(join(sandbox.folder, 'big'), randomBytes(8_000_000));
    await run(['tar', '-cf', 'big.tar', 'big'], { cwd: sandbox.folder, check: true });
    await sandbox.hawser('import', 'big.tar', `${registry.host}/big:1`);
    await sandbox.hawser('push', '-q', `${registry.host}/big:1`);
    await sandbox.hawser('save', '-o', 'big-image.tar', `${registry.host}/big:1`);
    await sandbox.hawser('rmi', `${registry.host}/big:1`);
    await sandbox.hawser('tag', 'busybox', `${registry.host}/small:1`);
    await sandbox.hawser('push', '-q', `${registry.host}/small:1`);
    await sandbox.hawser('rmi', `${registry.host}/small:1`);
    await sandbox.write({
      'app/Dockerfile':
        'FROM busybox\nARG ROUND\nRUN echo $ROUND > /round; head -c 2000000 /dev/urandom > /noise\nCOPY file /file\n',
      'app/file': 'x\n',
    });
    await sandbox.hawser('create', '--name', 'keeper', 'busybox', 'true');
    await sandbox.hawser('build', '-q', '-t', 'layered', 'app');
    await sandbox.hawser('create', '--name', 'keeper-of-layers', 'layered', 'true');
  });
  afterEach(async () => {
    await registry.stop();
    const mounts = await sandbox.mounts();
    await sandbox.dispose();
    expect(mounts, 'what is left mounted').to.deep.equal([]);
  });

  const fsck = async (...flags: string[]): Promise<SystemCheck> => {
    const { stdout, stderr } = await sandbox.try(['system', 'fsck', '--format', 'json', ...flags]);
    expect(stderr).to.equal('');
    return JSON.parse(stdout) as SystemCheck;
  };
  /** What a killed `save` left beside its file. */
  const leftBeside = async () => (await readdir(sandbox.folder)).filter(name => name.endsWith('.tmp'));
  const names = async () =>
    (await sandbox.hawser('image', 'ls', '--format', '{{.Repository}}:{{.Tag}}')).split('\n');

  it(`${killRounds} times kill -9 at a random moment: fsck is clean, and the same command then succeeds`, async () => {
    const commands: readonly ((round: number) => readonly string[])[] = [
      () => ['pull', '-q', `${registry.host}/big:1`],
      round => ['build', '-q', '-t', 'app', '--build-arg', `ROUND=${round}`, 'app'],
      () => ['save', '-o', 'saved.tar', 'busybox'],
      () => ['image', 'merge', '--all', '-q', '-t', 'merged', 'layered'],
      () => ['load', '-q', '-i', 'big-image.tar'],
      () => ['system', 'prune', '-f', '-a', '--volumes'],
      round => ['tag', 'busybox', `copy:${round}`],
      () => ['pull', '-q', '--unpack', `${registry.host}/big:1`],
    ];
    for (let round = 0; round < killRounds; round++) {
      const args = (commands[round % commands.length] as (typeof commands)[number])(round);
      // What it brings in, it brings in anew.
      if (args[0] === 'pull' || args[0] === 'load')
        await sandbox.try(['rmi', '-f', `${registry.host}/big:1`]);
      const child = sandbox.start(...args);
      const ended = once(child, 'exit');
      child.stdout.resume();
      child.stderr.resume();
      const moment = randomInt(40, 600);
      await Promise.race([delay(moment), ended]);
      child.kill('SIGKILL');
      await ended;
      const what = `${args.join(' ')}, killed after ${moment} ms`;
      const check = await fsck('--repair');
      expect(
        check.problems.filter(({ severity, outcome }) => severity === 'damage' || outcome !== 'repaired'),
        what,
      ).to.deep.equal([]);
      expect((await fsck()).problems, what).to.deep.equal([]);
      expect(await names(), what).to.include('busybox:latest');
      expect(await leftBeside(), what).to.deep.equal([]);
      const again = await sandbox.try(args);
      expect(again.code, `${what}\n${again.stderr}`).to.equal(0);
    }
    expect(await sandbox.hawser('run', '--rm', 'busybox', 'echo', 'works')).to.equal('works');
  });

  it(`${sharedRounds} times two pulls, two builds, a container and a prune at once: nothing is lost`, async () => {
    const big = `${registry.host}/big:1`;
    for (let round = 0; round < sharedRounds; round++) {
      const all = round % 2 === 1;
      const results = await Promise.all([
        sandbox.try(['pull', '-q', '--unpack', big]),
        sandbox.try(['pull', '-q', big]),
        sandbox.try(['build', '-q', '-t', 'one', '--build-arg', `ROUND=${round}`, 'app']),
        sandbox.try(['build', '-q', '-t', 'two', '--build-arg', `ROUND=${round}`, 'app']),
        sandbox.try(['run', '--rm', '-q', `${registry.host}/small:1`, 'true']),
        delay(randomInt(0, 500)).then(() => sandbox.try(['system', 'prune', '-f', ...(all ? ['-a'] : [])])),
      ]);
      expect(
        results.map(({ code, stderr }) => (code === 0 ? '' : stderr)),
        `round ${round}`,
      ).to.deep.equal(['', '', '', '', '', '']);
      expect((await fsck()).problems, `round ${round}`).to.deep.equal([]);
      // With --all the prune may come last, and take what no container uses.
      const expected = all ? ['busybox:latest'] : ['busybox:latest', big, 'one:latest', 'two:latest'];
      expect(await names(), `round ${round}`).to.include.members(expected);
      await sandbox.hawser('rmi', '-f', big, 'one', 'two');
    }
    expect(await sandbox.hawser('run', '--rm', 'busybox', 'echo', 'works')).to.equal('works');
  });

  it('a full disk: pull, build, load and save say so, leave nothing behind, and work when there is room', async () => {
    const disk = join(sandbox.folder, 'disk');
    await mkdir(disk);
    await run(['mount', '-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', disk], { check: true });
    try {
      const env = {
        ...sandbox.env,
        HAWSER_ROOT: join(disk, 'root'),
        HAWSER_RUN: join(sandbox.folder, 'run2'),
      };
      const first = await sandbox.try(['import', 'busybox.tar', 'busybox'], { env });
      expect(first.code, first.stderr).to.equal(0);
      const filler = join(disk, 'filler');
      await writeFile(filler, Buffer.alloc(4_000_000, 1));
      await sandbox.write({ 'fill/Dockerfile': 'FROM scratch\nCOPY big /big\n' });
      await run(['cp', 'big', 'fill/big'], { cwd: sandbox.folder, check: true });
      const commands = [
        ['pull', '-q', `${registry.host}/big:1`],
        ['pull', '-q', '--unpack', `${registry.host}/big:1`],
        ['load', '-q', '-i', 'big-image.tar'],
        ['build', '-q', '-t', 'big', 'fill'],
      ];
      const used = async () => {
        const { blocks, bfree, bsize } = await statfs(disk);
        return (blocks - bfree) * bsize;
      };
      const full = async (args: readonly string[]) => {
        const before = await used();
        const { code, stderr } = await sandbox.try(args, { env });
        expect(code, `${args.join(' ')}\n${stderr}`).to.equal(1);
        expect(stderr, args.join(' ')).to.match(/\[NO_SPACE\]/);
        expect(stderr.split('\n').length, stderr).to.be.lessThan(8);
        const check = await sandbox.try(['system', 'fsck', '--format', 'json'], { env });
        expect((JSON.parse(check.stdout) as SystemCheck).problems, args.join(' ')).to.deep.equal([]);
        expect((await used()) - before, `left by ${args.join(' ')}`).to.be.lessThan(300_000);
      };
      for (const args of commands) await full(args);
      await writeFile(join(disk, 'filler2'), '');
      const room = await statfs(disk);
      await writeFile(
        join(disk, 'filler2'),
        Buffer.alloc(Math.max(0, room.bavail * room.bsize - 500_000), 1),
      );
      await full(['save', '-o', join(disk, 'saved.tar'), 'busybox']);
      await rm(filler);
      await rm(join(disk, 'filler2'));
      const works = await sandbox.try(['load', '-q', '-i', 'big-image.tar'], { env });
      expect(works.code, works.stderr).to.equal(0);
    } finally {
      await run(['umount', '-l', disk], { check: true });
    }
  });
});
