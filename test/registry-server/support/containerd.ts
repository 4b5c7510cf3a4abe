import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../../e2e/support/run.ts';

/** Debian's containerd 1.6 with folders of its own, and its client `ctr`. */
export class Containerd {
  readonly #folder: string;
  readonly #child: ChildProcess;

  private constructor(folder: string, child: ChildProcess) {
    this.#folder = folder;
    this.#child = child;
  }

  static async start(): Promise<Containerd> {
    const folder = await mkdtemp(join(tmpdir(), 'hawser-containerd-'));
    const config = [
      'version = 2',
      `root = "${folder}/root"`,
      `state = "${folder}/state"`,
      'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
      `[grpc]\naddress = "${folder}/containerd.sock"`,
      `[ttrpc]\naddress = "${folder}/ttrpc.sock"`,
    ];
    await writeFile(join(folder, 'config.toml'), config.join('\n'));
    const child = spawn('containerd', ['--config', join(folder, 'config.toml')], { stdio: 'ignore' });
    const started = new Containerd(folder, child);
    for (let tries = 0; (await run(started.#words('version'))).code !== 0; tries++) {
      if (tries === 100 || child.exitCode !== null) throw new Error('containerd does not start');
      await delay(100);
    }
    return started;
  }

  #words(...args: string[]): string[] {
    return ['ctr', '-a', `${this.#folder}/containerd.sock`, ...args];
  }

  /** Runs `ctr`; its standard output. */
  async ctr(...args: string[]): Promise<string> {
    return (await run(this.#words(...args), { check: true })).stdout.trimEnd();
  }

  async stop(): Promise<void> {
    this.#child.kill();
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
    await rm(this.#folder, { recursive: true, force: true });
  }
}
