import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type RunResult, run } from './run.ts';

/** A Docker daemon of Debian's with folders of its own; the peer that images are compared with. */
export class DockerDaemon {
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(folder: string, daemon: ChildProcess) {
    this.#folder = folder;
    this.#process = daemon;
  }

  static async start(): Promise<DockerDaemon> {
    const folder = await mkdtemp(join(tmpdir(), 'hawser-dockerd-'));
    const args = ['--data-root', `${folder}/data`, '--exec-root', `${folder}/exec`, '-p', `${folder}/pid`];
    const daemon = spawn('/usr/sbin/dockerd', [...args, '-H', `unix://${folder}/docker.sock`], {
      stdio: 'ignore',
    });
    const docker = new DockerDaemon(folder, daemon);
    for (let tries = 0; (await docker.try('version')).code !== 0; tries++) {
      if (tries === 150 || daemon.exitCode !== null) throw new Error('dockerd does not start');
      await delay(200);
    }
    return docker;
  }

  /** Points Debian's client at this daemon and at the BuildKit inside it. */
  get env(): NodeJS.ProcessEnv {
    return { ...process.env, DOCKER_HOST: `unix://${this.#folder}/docker.sock`, DOCKER_BUILDKIT: '1' };
  }

  try(...args: string[]): Promise<RunResult> {
    return run(['/usr/bin/docker', ...args], { env: this.env });
  }

  async docker(...args: string[]): Promise<string> {
    const result = await this.try(...args);
    if (result.code !== 0)
      throw new Error(`docker ${args.join(' ')}: exit ${result.code}\n${result.stdout}${result.stderr}`);
    return result.stdout.trimEnd();
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill('SIGTERM');
      await once(this.#process, 'exit');
    }
    // The host's network namespace stays mounted, once a container has used it.
    const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
    const mounted = lines
      .map(line => line.split(' ')[4] ?? '')
      .filter(path => path.startsWith(`${this.#folder}/`));
    for (const path of mounted.toReversed()) await run(['umount', '-l', path]);
    await rm(this.#folder, { recursive: true, force: true });
  }
}
