import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type RunOptions, type RunResult, run } from './run.ts';

export const executable = new URL('../../../bin/run.js', import.meta.url).pathname;

/** One hawser with roots of its own, gone with everything that it mounted or started when it is disposed of. */
export class Sandbox {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly #started: ChildProcess[] = [];

  private constructor(folder: string) {
    this.folder = folder;
    this.env = {
      ...process.env,
      HAWSER_ROOT: join(folder, 'root'),
      HAWSER_RUN: join(folder, 'run'),
      NO_COLOR: '1',
    };
    delete this.env.NODE_EXTRA_CA_CERTS;
    delete this.env.NODE_OPTIONS;
  }

  static async create(): Promise<Sandbox> {
    return new Sandbox(await mkdtemp(join(tmpdir(), 'hawser-e2e-')));
  }

  get root(): string {
    return join(this.folder, 'root');
  }

  /** Runs one command line; a failure is in the result. */
  try(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return run([process.execPath, executable, ...args], { cwd: this.folder, env: this.env, ...options });
  }

  /** Runs one command line that must succeed; its stdout without the last newline. */
  async hawser(...args: string[]): Promise<string> {
    const result = await this.try(args);
    if (result.code !== 0)
      throw new Error(`hawser ${args.join(' ')}: exit ${result.code}\n${result.stdout}${result.stderr}`);
    return result.stdout.trimEnd();
  }

  /** Starts a long-running command line, e.g. a server. */
  start(...args: string[]) {
    const child = spawn(process.execPath, [executable, ...args], {
      cwd: this.folder,
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#started.push(child);
    return child;
  }

  /** Writes files below the sandbox's folder: path → text. */
  async write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      const target = join(this.folder, path);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, text);
    }
  }

  /** Imports a base image of busybox with the usual users: `busybox:latest` or `name`. */
  async importBusybox(name = 'busybox:latest'): Promise<void> {
    const rootfs = join(this.folder, 'busybox-rootfs');
    if (!existsSync(rootfs)) await makeBusyboxRootfs(rootfs);
    const archive = join(this.folder, 'busybox.tar');
    await run(['tar', '-C', rootfs, '--numeric-owner', '--owner=0', '--group=0', '-cf', archive, '.'], {
      check: true,
    });
    await this.hawser('image', 'import', '--change', 'CMD ["sh"]', archive, name);
  }

  /** What is still mounted below the sandbox. */
  async mounts(): Promise<string[]> {
    const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
    return lines.map(line => line.split(' ')[4] ?? '').filter(path => path.startsWith(`${this.folder}/`));
  }

  /** Command lines of the processes that work on the sandbox; also those that it started and that outlive a command. */
  async processes(): Promise<string[]> {
    const found: string[] = [];
    for (const id of (await readdir('/proc')).filter(name => /^\d+$/.test(name))) {
      // A process may end while it is looked at.
      const read = (name: string) => readFile(`/proc/${id}/${name}`, 'latin1').catch(() => '');
      const words = await read('cmdline');
      if (`${words}\0${await read('environ')}`.includes(this.folder)) found.push(words.replaceAll('\0', ' '));
    }
    return found;
  }

  async dispose(): Promise<void> {
    // What a failed test left would keep the whole run alive.
    for (const child of this.#started) child.kill('SIGKILL');
    for (const id of (await this.try(['container', 'ps', '-aq'])).stdout
      .split('\n')
      .filter(line => line !== '')) {
      await this.try(['container', 'rm', '-f', id]);
    }
    // conmon's last act is a `container cleanup`, which would make the folders again.
    for (let tries = 0; tries < 100 && (await this.processes()).length > 0; tries++) await delay(50);
    for (const path of (await this.mounts()).toReversed()) await run(['umount', '-l', path]);
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function makeBusyboxRootfs(rootfs: string): Promise<void> {
  for (const folder of ['bin', 'etc', 'tmp', 'root', 'home', 'var', 'usr'])
    await mkdir(join(rootfs, folder), { recursive: true });
  await cp('/usr/bin/busybox', join(rootfs, 'bin/busybox'));
  const { stdout } = await run(['/usr/bin/busybox', '--list'], { check: true });
  for (const applet of stdout.split('\n').filter(name => name !== '' && name !== 'busybox')) {
    await symlink('busybox', join(rootfs, 'bin', applet));
  }
  await writeFile(
    join(rootfs, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/:/bin/false\napp:x:1000:1000::/home/app:/bin/sh\n',
  );
  await writeFile(join(rootfs, 'etc/group'), 'root:x:0:\ndaemon:x:1:\napp:x:1000:\nextra:x:2000:app\n');
}
