import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import { runStep } from '../../src/runtime/run-step.ts';
import type { RunMount, RunStepOptions } from '../../src/runtime/run-step-types.ts';
import { findBusybox, makeBusyboxRootfs } from './support/busybox.ts';
import { lackingForContainers } from './support/engine.ts';
import { useTemporaryFolder } from './support/temporary-folder.ts';

const file = (target: string, content: string, over: { mode?: number; uid?: number; gid?: number } = {}) =>
  ({ type: 'file', target, content: Buffer.from(content), mode: 0o400, uid: 0, gid: 0, ...over }) as const;

for (const isolation of ['oci', 'chroot'] as const) {
  describe(`mounts of a build step, isolation ${isolation}`, () => {
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

    const run = (script: string, mounts: readonly RunMount[], over: Partial<RunStepOptions> = {}) =>
      runStep({
        rootfs,
        mounts,
        args: ['/bin/sh', '-c', script],
        env: ['PATH=/bin'],
        cwd: '/',
        onOutput: (_stream, chunk) => {
          output += Buffer.from(chunk).toString();
        },
        isolation,
        run: join(folder(), 'run'),
        ...over,
      });

    const sourceFolder = (name: string, files: Readonly<Record<string, string>> = {}) => {
      const path = join(folder(), name);
      mkdirSync(path);
      for (const [key, text] of Object.entries(files)) writeFileSync(join(path, key), text);
      return path;
    };

    it('shows a secret to whom it is for, read-only, and keeps it nowhere', async () => {
      const mounts = [file('/run/secrets/key', 'hidden', { mode: 0o440, uid: 7, gid: 1000 })];
      const script =
        'exec 2>&1; stat -c "%a %u:%g" /run/secrets/key; cat /run/secrets/key; echo more >> /run/secrets/key';
      expect(await run(script, mounts, { user: 'app' })).to.deep.equal({ exitCode: 1 });
      expect(output).to.match(/^440 7:1000\nhidden/);
      expect(existsSync(join(rootfs, 'run'))).to.equal(false);
      expect(readdirSync(join(folder(), 'run/steps'))).to.deep.equal([]);
    });

    it('runs a script from a folder that is mounted noexec', async () => {
      const over = join(folder(), 'noexec');
      mkdirSync(over);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'noexec', 'tmpfs', over]);
      try {
        const mounts = [file('/dev/pipes/EOF', '#!/bin/sh\necho ran\n', { mode: 0o755 })];
        expect(await run('/dev/pipes/EOF', mounts, { run: over })).to.deep.equal({ exitCode: 0 });
        expect(output).to.equal('ran\n');
      } finally {
        execFileSync('umount', [over]);
      }
    });

    it('mounts one inside another, whatever their order', async () => {
      const [outer, inner] = [sourceFolder('outer', { o: 'outer' }), sourceFolder('inner', { i: 'inner' })];
      const mounts: RunMount[] = [
        { type: 'bind', source: inner, target: '/a/b/c' },
        { type: 'tmpfs', target: '/a/b/c/t', size: 1 << 20 },
        { type: 'bind', source: outer, target: '/a' },
      ];
      await run('cat /a/o /a/b/c/i; touch /a/b/c/made /a/b/c/t/gone; rm -r /a/b/c/t/gone', mounts);
      expect(output).to.equal('outerinner');
      expect(readdirSync(inner).sort()).to.deep.equal(['i', 'made', 't']);
      expect(readdirSync(rootfs)).not.to.contain('a');
    });

    it('does not follow a link of one mount when another lies behind it', async () => {
      const victim = sourceFolder('victim', { untouched: '' });
      const [outer, inner] = [sourceFolder('outer'), sourceFolder('inner', { i: '' })];
      symlinkSync(victim, join(outer, 'b'));
      const mounts: RunMount[] = [
        { type: 'bind', source: outer, target: '/a' },
        { type: 'bind', source: inner, target: '/a/b/c' },
      ];
      const ended = await run('ls /a/b/c', mounts).catch((error: unknown) => error);
      expect(readdirSync(victim)).to.deep.equal(['untouched']);
      // runc resolves the link inside the rootfs; without it, the step is refused.
      if (isolation === 'chroot') expect(ended).to.deep.equal({ exitCode: 125 });
      else expect(isHawserError(ended) || (ended as { exitCode: number }).exitCode === 0).to.equal(true);
    });

    it('removes no folder of the host where the step put a link (CVE-2024-23652)', async () => {
      const victim = sourceFolder('victim');
      mkdirSync(join(victim, 'stub'));
      writeFileSync(join(victim, 'file'), '');
      const mounts: RunMount[] = [{ type: 'tmpfs', target: '/way/stub' }, file('/way/file', '')];
      await run(`mv /way /moved && ln -s ${victim} /way && mv /etc /etc2 && ln -s ${victim} /etc`, mounts);
      expect(readdirSync(victim).sort()).to.deep.equal(['file', 'stub']);
      expect(readFileSync(join(rootfs, 'etc2/passwd'), 'utf8')).to.contain('root');
    });

    it('mounts a socket that a program inside can use', async () => {
      const path = join(folder(), 'agent.sock');
      const server = createServer(connection => connection.end('answer'));
      server.listen(path);
      await once(server, 'listening');
      try {
        await run('test -S /run/agent && echo socket', [
          { type: 'bind', source: path, target: '/run/agent' },
        ]);
        expect(output).to.equal('socket\n');
      } finally {
        server.close();
      }
    });

    it('takes all capabilities when it is privileged', async () => {
      const own = /^CapBnd:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
      await run('grep CapBnd /proc/self/status; mount -t tmpfs t /tmp && echo mounted', [], {
        privileged: true,
      });
      expect(output).to.equal(`CapBnd:\t${own}\nmounted\n`);
    });
  });
}
