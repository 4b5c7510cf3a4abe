import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import { digestOf } from '../../src/image/digest.ts';
import { openSnapshotter } from '../../src/layers/open-snapshotter.ts';
import { runStep, sweepLeftSteps } from '../../src/runtime/run-step.ts';
import type { RunStepOptions } from '../../src/runtime/run-step-types.ts';
import { findBusybox, makeBusyboxRootfs } from './support/busybox.ts';
import { lackingForContainers } from './support/engine.ts';
import { useTemporaryFolder } from './support/temporary-folder.ts';

const old = new Date('2020-01-02T03:04:05Z');

/** Each path of a tree with what a layer would say of it. */
function listTree(folder: string): readonly string[] {
  const found: string[] = [];
  const visit = (path: string) => {
    for (const name of readdirSync(join(folder, path)).sort()) {
      const relative = join(path, name);
      const stat = lstatSync(join(folder, relative));
      const content = stat.isFile() && stat.size < 100 ? readFileSync(join(folder, relative), 'latin1') : '';
      found.push(`${relative} ${stat.mode.toString(8)} ${stat.uid}:${stat.gid} ${content}`);
      if (stat.isDirectory()) visit(relative);
    }
  };
  visit('');
  return found;
}

for (const isolation of ['oci', 'chroot'] as const) {
  describe(`a build step, isolation ${isolation}`, () => {
    const folder = useTemporaryFolder();
    let rootfs = '';
    let output = '';

    before(function () {
      const missing = lackingForContainers();
      if (missing !== undefined) {
        console.log(`      skipped: ${missing} is missing`);
        this.skip();
      }
    });

    beforeEach(() => {
      output = '';
      rootfs = join(folder(), 'rootfs');
      makeBusyboxRootfs(rootfs, findBusybox() ?? '');
    });

    const run = (script: string, over: Partial<RunStepOptions> = {}) =>
      runStep({
        rootfs,
        args: ['/bin/sh', '-c', script],
        env: ['PATH=/bin', 'NAME=a value'],
        cwd: '/',
        onOutput: (stream, chunk) => {
          output += `${stream === 'stderr' ? '! ' : ''}${Buffer.from(chunk).toString()}`;
        },
        isolation,
        run: join(folder(), 'run'),
        ...over,
      });

    it('gives output, environment, HOME and exit code', async () => {
      expect(await run('echo "$NAME $HOME"; exit 7')).to.deep.equal({ exitCode: 7 });
      expect(output).to.equal('a value /root\n');
    });

    it('tells stderr from stdout', async () => {
      await run('echo wrong >&2');
      expect(output).to.equal('! wrong\n');
    });

    it('runs as USER with its groups, in WORKDIR', async () => {
      await run('id -u; id -g; id -G; pwd; touch file', { user: 'app', cwd: '/home/app' });
      expect(output).to.equal('1000\n1000\n1000 2000\n/home/app\n');
      expect(lstatSync(join(rootfs, 'home/app/file')).uid).to.equal(1000);
    });

    it('drops capabilities that Docker drops', async () => {
      await run('grep CapBnd /proc/self/status');
      expect(output.trim()).to.equal('CapBnd:\t00000000a80425fb');
    });

    it("cannot change the kernel's settings, nor see what is the host's", async () => {
      const setting = '/proc/sys/kernel/core_pattern';
      await run(
        `exec 2>&1; cat ${setting} > /tmp/v; cat /tmp/v > ${setting} && echo changed; ls /proc/acpi; true`,
      );
      expect(output)
        .to.match(/Read-only file system/)
        .and.not.to.match(/changed/);
      const lines = output.trim().split('\n');
      expect(
        lines.every(line => /Read-only|proc\/acpi/.test(line)),
        output,
      ).to.equal(true);
    });

    it('may make devices, and open none of the host', async () => {
      // loop-control, which needs no capability to be opened
      const open = '(exec 3< $d) && echo opened $d';
      const script = `exec 2>&1; mknod /d c 10 237; mknod /c/d c 10 237; for d in /d /c/d /dev/null; do ${open}; done`;
      mkdirSync(join(folder(), 'cache'));
      await run(script, { mounts: [{ type: 'bind', source: join(folder(), 'cache'), target: '/c' }] });
      expect(output.match(/opened \S+/g), output).to.deep.equal(['opened /dev/null']);
      expect(lstatSync(join(rootfs, 'd')).isCharacterDevice()).to.equal(true);
    });

    it('has /proc, /dev and /sys, resolver files, and PID 1 of its own', async () => {
      await run(
        'echo x > /dev/null; test -c /dev/urandom && test -e /dev/ptmx && ls /sys | head -1; echo $$; cat /etc/hosts',
      );
      expect(output).to.match(/^block\n\d+\n127\.0\.0\.1\tlocalhost\n/);
    });

    it('leaves nothing of its mounts, and the times of folders (buildkit#3148)', async () => {
      const source = join(folder(), 'source');
      mkdirSync(source);
      writeFileSync(join(source, 'in'), 'inside');
      for (const path of ['etc', '']) utimesSync(join(rootfs, path), old, old);
      const before = listTree(rootfs);
      const mounts = [
        { type: 'bind', source, target: '/made/for/it', readOnly: true },
        { type: 'bind', source: join(source, 'in'), target: '/etc/one-file' },
        { type: 'tmpfs', target: '/scratch' },
      ] as const;
      expect(
        await run('exec 2>&1; cat /made/for/it/in /etc/one-file; touch /scratch/x; touch /made/for/it/no', {
          mounts,
        }),
      ).to.deep.equal({
        exitCode: 1,
      });
      expect(output).to.match(/^insideinside/);
      expect(listTree(rootfs)).to.deep.equal(before);
      expect(lstatSync(rootfs).mtime).to.deep.equal(old);
      expect(lstatSync(join(rootfs, 'etc')).mtime).to.deep.equal(old);
    });

    it('keeps the time that the step itself gave a folder', async () => {
      utimesSync(join(rootfs, 'etc'), old, old);
      await run('touch /etc/new');
      expect(lstatSync(join(rootfs, 'etc')).mtime.getTime()).to.be.greaterThan(old.getTime());
      expect(readdirSync(join(rootfs, 'etc')).sort()).to.deep.equal(['group', 'new', 'passwd']);
    });

    it('has no network with none', async () => {
      await run('ip -o link', { network: 'none' });
      expect(output.trim().split('\n')).to.have.length(1);
      expect(output).to.contain('lo');
    });

    it('mounts inside the rootfs, whatever link stands there (CVE-2021-30465)', async () => {
      const outside = join(folder(), 'outside');
      mkdirSync(outside);
      symlinkSync(outside, join(rootfs, 'way-out'));
      const mounts = [{ type: 'tmpfs', target: '/way-out/x' }] as const;
      await run('touch /way-out/x/file && echo done', { mounts });
      expect(output).to.equal('done\n');
      expect(readdirSync(outside)).to.deep.equal([]);
    });

    it('kills every process when aborted', async () => {
      const mark = `9${Date.now() % 100_000}`;
      const abort = new AbortController();
      const running = run(`sleep ${mark} & echo ready; wait`, {
        signal: abort.signal,
        onOutput: () => abort.abort(),
      });
      const error = await running.catch((caught: unknown) => caught);
      expect(isHawserError(error, 'ABORTED')).to.equal(true);
      for (let count = 0; pgrep(mark) !== '' && count < 40; count++) await delay(25);
      expect(pgrep(mark)).to.equal('');
      expect(readdirSync(join(folder(), 'run/steps'))).to.deep.equal([]);
    });

    const killedStep = async (mark: string) => {
      const script = fileURLToPath(new URL('./support/endless-step.ts', import.meta.url));
      const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
      const args = ['--import', loader, script, rootfs, join(folder(), 'run'), isolation, mark];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(child.stdout, 'data');
      child.kill('SIGKILL');
      await once(child, 'exit');
    };

    it('kill -9 of hawser: the next step ends what is left, though its runtime is another', async () => {
      const mark = `7${Date.now() % 100_000}`;
      await killedStep(mark);
      const { HAWSER_RUNTIME } = process.env;
      process.env.HAWSER_RUNTIME = '/bin/true'; // says that all goes well, and does nothing
      try {
        await sweepLeftSteps(join(folder(), 'run'));
      } finally {
        if (HAWSER_RUNTIME === undefined) delete process.env.HAWSER_RUNTIME;
        else process.env.HAWSER_RUNTIME = HAWSER_RUNTIME;
      }
      for (let count = 0; pgrep(mark) !== '' && count < 200; count++) await delay(25);
      expect(pgrep(mark)).to.equal('');
      expect(readdirSync(join(folder(), 'run/steps'))).to.deep.equal([]);
    });

    it('kill -9 of hawser: the next step ends what is left', async () => {
      const mark = `8${Date.now() % 100_000}`;
      await killedStep(mark);
      expect(await run('true')).to.deep.equal({ exitCode: 0 });
      for (let count = 0; pgrep(mark) !== '' && count < 40; count++) await delay(25);
      expect(pgrep(mark)).to.equal('');
      expect(readdirSync(join(folder(), 'run/steps'))).to.deep.equal([]);
    });

    it('refuses a working folder by file descriptor (CVE-2024-21626)', async () => {
      const error = await run('pwd', { cwd: '/proc/self/fd/7' }).catch((caught: unknown) => caught);
      expect(isHawserError(error, 'INVALID_ARGUMENT')).to.equal(true);
    });

    it('gives the step no file of hawser but its own streams', async () => {
      await run('ls /proc/self/fd');
      // ls itself opens one more
      expect(output.trim().split(/\s+/)).to.deep.equal(['0', '1', '2', '3']);
    });

    it('keeps LD_PRELOAD for the step alone', async () => {
      const env = ['PATH=/bin', 'LD_PRELOAD=/nowhere.so'];
      mkdirSync(join(rootfs, 'usr/bin'), { recursive: true });
      symlinkSync('/bin/busybox', join(rootfs, 'usr/bin/env'));
      expect(await run('echo $LD_PRELOAD', { env })).to.deep.equal({ exitCode: 0 });
      expect(output).to.equal('/nowhere.so\n');
    });
  });
}

/** Processes that have the mark in their arguments, by /proc: pgrep would find itself. */
function pgrep(mark: string): string {
  const found = readdirSync('/proc').filter(name => {
    if (!/^\d+$/.test(name) || !existsSync(`/proc/${name}/cmdline`)) return false;
    const words = readFileSync(`/proc/${name}/cmdline`, 'latin1').split('\0');
    return words.includes('sleep') && words.includes(mark);
  });
  return found.join(' ');
}

describe('both isolations', () => {
  const folder = useTemporaryFolder();

  it('change the same in the layer', async function () {
    const missing = lackingForContainers();
    if (missing !== undefined) {
      console.log(`      skipped: ${missing} is missing`);
      this.skip();
    }
    const [root, run] = [join(folder(), 'snapshots'), join(folder(), 'run')];
    const snapshotter = await openSnapshotter({ root, run });
    const seed = await snapshotter.prepare('seed', undefined);
    makeBusyboxRootfs(await seed.mount(), findBusybox() ?? '');
    const chainID = digestOf('seed');
    await snapshotter.commit(seed, chainID);
    const uppers: (readonly string[])[] = [];
    for (const isolation of ['oci', 'chroot'] as const) {
      const active = await snapshotter.prepare(isolation, chainID);
      const rootfs = await active.mount();
      const script =
        'mkdir /new && echo text > /new/file && rm /www/index.html && echo more >> /etc/group && ls > /dev/null';
      const args = ['/bin/sh', '-c', script];
      await runStep({
        rootfs,
        args,
        env: ['PATH=/bin'],
        cwd: '/',
        onOutput: () => undefined,
        isolation,
        run,
      });
      await active.unmount();
      uppers.push(listTree(active.upper));
      await active.discard();
    }
    expect(uppers[0]).to.deep.equal(uppers[1]);
    expect(uppers[0]?.join('\n')).to.contain('new/file').and.to.not.contain('resolv.conf');
  });
});
