import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../test/e2e/support/ports.ts';
import { run } from '../../test/e2e/support/run.ts';

/** Debian's docker-registry, which all contenders use alike. */
export interface PeerRegistry {
  readonly host: string;
  /** Forgets all that was pushed. */
  clear(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRegistry(folder: string): Promise<PeerRegistry> {
  const host = `127.0.0.1:${await freePort()}`;
  const config = `version: 0.1\nstorage: {filesystem: {rootdirectory: ${folder}}, delete: {enabled: true}}\nhttp: {addr: ${host}}\nlog: {level: error, accesslog: {disabled: true}}\n`;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.yml'), config);
  const server = spawn('/usr/bin/docker-registry', ['serve', join(folder, 'config.yml')], {
    stdio: 'ignore',
  });
  while ((await run(['curl', '-sf', `http://${host}/v2/`])).code !== 0) await delay(100);
  return {
    host,
    clear: () => rm(join(folder, 'docker'), { recursive: true, force: true }),
    async stop() {
      const ended = once(server, 'exit');
      server.kill();
      await ended;
    },
  };
}
