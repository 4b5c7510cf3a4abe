import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../e2e/support/ports.ts';
import { send } from './registry.ts';

/** Debian's docker-registry 2.8 (registry:2) on a volume. */
export class DockerRegistry {
  readonly url: string;
  readonly config: string;
  readonly #child: ChildProcess;

  private constructor(url: string, config: string, child: ChildProcess) {
    this.url = url;
    this.config = config;
    this.#child = child;
  }

  static async start(root: string, folder: string): Promise<DockerRegistry> {
    const addr = `127.0.0.1:${await freePort()}`;
    const config = join(folder, 'config.yml');
    await mkdir(root, { recursive: true });
    await writeFile(
      config,
      [
        'version: 0.1',
        `storage: {filesystem: {rootdirectory: ${root}}, delete: {enabled: true}}`,
        `http: {addr: '${addr}', secret: x}`,
        'log: {level: error, accesslog: {disabled: true}}',
      ].join('\n'),
    );
    const child = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
    const url = `http://${addr}`;
    for (let attempt = 0; ; attempt++) {
      const answer = await send(url, 'GET /v2/').catch(() => undefined);
      if (answer?.status === 200) return new DockerRegistry(url, config, child);
      if (attempt === 200) throw new Error('docker-registry does not answer');
      await delay(50);
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill();
    await once(this.#child, 'exit');
  }
}
