import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { importDebian } from './support/debian.ts';
import { DockerDaemon } from './support/dockerd.ts';
import { freePort } from './support/ports.ts';
import { run } from './support/run.ts';
import { Sandbox } from './support/sandbox.ts';

const example = fileURLToPath(new URL('../../examples/notes', import.meta.url));
const key = 'the-key-that-nobody-may-find';

/** An application in C from its source: a compiler of Debian's, caches, a secret, and what comes out runs everywhere. */
describe('an application from its source', function () {
  this.timeout(600_000);
  let sandbox: Sandbox;
  let daemon: DockerDaemon | undefined;

  before(async () => {
    sandbox = await Sandbox.create();
    await importDebian(sandbox);
    await cp(example, join(sandbox.folder, 'notes'), { recursive: true });
    await sandbox.write({ 'seal.key': key });
  });
  after(async () => {
    await daemon?.stop();
    await sandbox?.dispose();
  });

  const build = (...args: string[]) =>
    sandbox.try(['build', '--progress', 'plain', ...args, join(sandbox.folder, 'notes')], {
      timeout: 300_000,
    });
  const release = (...args: string[]) =>
    build(
      '-t',
      'notes:1',
      '--secret',
      `id=seal,src=${sandbox.folder}/seal.key`,
      '--build-arg',
      'VERSION=1.2',
      ...args,
    );

  it('is built: the compiler, caches and key stay behind', async () => {
    const built = await release();
    expect(built.code, built.stderr).to.equal(0);
    const out = join(sandbox.folder, 'out');
    expect((await release('-o', out)).code).to.equal(0);
    expect((await readdir(out, { recursive: true })).sort()).to.deep.equal([
      'data',
      'etc',
      'etc/passwd',
      'usr',
      'usr/bin',
      'usr/bin/notes',
      'usr/share',
      'usr/share/notes',
      'usr/share/notes/seal',
    ]);
    const binary = await readFile(join(out, 'usr/bin/notes'));
    const seal = createHash('sha256').update(key).update(binary).digest('hex');
    expect(await readFile(join(out, 'usr/share/notes/seal'), 'utf8')).to.equal(`${seal}\n`);
    expect((await run([join(out, 'usr/bin/notes'), 'version'])).stdout).to.equal('1.2\n');
    const found = await run(['grep', '-rlF', key, sandbox.root, join(sandbox.folder, 'run')]);
    expect(found.stdout).to.equal('');
    const [image] = JSON.parse(await sandbox.hawser('image', 'inspect', 'notes:1'));
    expect(image.Config).to.deep.include({
      User: 'notes',
      WorkingDir: '/data',
      Entrypoint: ['/usr/bin/notes'],
      Cmd: ['serve', '/data'],
      StopSignal: 'SIGTERM',
    });
    expect(image.Config.Labels['org.opencontainers.image.version']).to.equal('1.2');
  });

  it('is built again from the cache, also with another key', async () => {
    await writeFile(join(sandbox.folder, 'seal.key'), `${key}-2`);
    const { code, stderr } = await release();
    expect(code, stderr).to.equal(0);
    const steps = stderr.split('\n').filter(line => /^#\d+ (CACHED|DONE)/.test(line));
    expect(steps.filter(line => line.includes('CACHED')).length, stderr).to.equal(7);
    await writeFile(join(sandbox.folder, 'seal.key'), key);
  });

  it('compiles what changed, and nothing else', async () => {
    const path = join(sandbox.folder, 'notes/src/store.c');
    await writeFile(path, `${await readFile(path, 'utf8')}/* changed */\n`);
    const { code, stderr } = await release();
    expect(code, stderr).to.equal(0);
    expect([...stderr.matchAll(/-c -o \/objects\/(\w+)\.o/g)].map(match => match[1]).sort()).to.deep.equal([
      'main',
      'store',
    ]);
    expect(stderr).to.match(/CACHED/);
    expect(stderr).not.to.contain('Setting up gcc');
  });

  it('is tested in a stage of its own, whose failure names line and output', async () => {
    const passed = await build('--target', 'test');
    expect(passed.code, passed.stderr).to.equal(0);
    expect(passed.stderr).to.contain('all tests passed');
    const path = join(sandbox.folder, 'notes/src/http.c');
    const source = await readFile(path, 'utf8');
    await writeFile(path, source.replace('MAX_BODY ? HTTP_TOO_LARGE', 'MAX_BODY ? HTTP_BAD'));
    const failed = await build('--target', 'test');
    await writeFile(path, source);
    expect(failed.code).to.equal(1);
    expect(failed.stderr).to.match(/ended with exit code 2 \[BUILD_STEP_FAILED\]:\n/);
    expect(failed.stderr).to.match(/ {2}test\/test\.c:\d+: parse\(.*HTTP_TOO_LARGE\n/);
    expect(failed.stderr).to.match(/ {2}at Dockerfile:\d+\n/);
  });

  it('needs its key', async () => {
    const missing = await build('-t', 'notes:2', '--build-arg', 'VERSION=other');
    expect(missing.code).to.equal(1);
    expect(missing.stderr).to.contain('SECRET_UNKNOWN').and.contain('--secret id=seal,src=FILE');
  });

  describe('runs', () => {
    /** Serves, takes and gives a note, and ends when it is told to. */
    const serves = async (command: readonly string[], env: NodeJS.ProcessEnv = process.env) => {
      const port = await freePort();
      const words = command.map(word => word.replace('NOTES_PORT=', `NOTES_PORT=${port}`));
      const child = spawn(words[0] ?? '', words.slice(1), { env, stdio: ['ignore', 'pipe', 'pipe'] });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', chunk => (output += String(chunk)));
      const ended = once(child, 'close');
      const url = `http://127.0.0.1:${port}`;
      try {
        for (let tries = 0; !(await fetch(url).catch(() => undefined))?.ok; tries++) {
          if (tries === 200 || child.exitCode !== null) throw new Error(`${words.join(' ')}: ${output}`);
          await delay(100);
        }
        expect((await fetch(`${url}/greeting`, { method: 'PUT', body: 'hello' })).status).to.equal(201);
        expect(await (await fetch(`${url}/greeting`)).text()).to.equal('hello');
        expect(await (await fetch(url)).text()).to.equal('greeting\n');
        expect((await fetch(`${url}/none`)).status).to.equal(404);
      } finally {
        child.kill('SIGTERM');
      }
      const [code] = await ended;
      expect(output).to.match(/serving \/data on port \d+\r?\nnotes: stopped/);
      expect(code).to.equal(0);
    };
    const flags = ['--rm', '--network', 'host', '-e', 'NOTES_PORT='];

    it('by hawser', async () => {
      const bin = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
      await serves([process.execPath, bin, 'run', ...flags, 'notes:1'], sandbox.env);
    });

    it('by docker', async () => {
      daemon = await DockerDaemon.start();
      await sandbox.hawser('save', '-o', 'notes.tar', 'notes:1');
      await daemon.docker('load', '-i', join(sandbox.folder, 'notes.tar'));
      await serves(['/usr/bin/docker', 'run', ...flags, 'notes:1'], daemon.env);
    });

    it('by podman', async () => {
      const store = [
        '--root',
        join(sandbox.folder, 'podman'),
        '--runroot',
        join(sandbox.folder, 'podman-run'),
      ];
      const how = ['--runtime', '/usr/sbin/runc', '--cgroup-manager', 'cgroupfs', '--events-backend', 'none'];
      const podman = ['podman', ...store, '--storage-driver', 'vfs', ...how];
      await run([...podman, 'load', '-i', join(sandbox.folder, 'notes.tar')], { check: true });
      const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'];
      await serves([...podman, 'run', ...flags, ...limits, 'docker.io/library/notes:1']);
    });
  });
});
