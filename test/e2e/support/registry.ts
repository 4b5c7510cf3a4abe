import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './ports.ts';
import type { Sandbox } from './sandbox.ts';

/** A registry that runs: ours or Debian's, on a port of loopback. */
export interface ServedRegistry {
  /** HOST:PORT */
  readonly host: string;
  readonly port: number;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

async function untilItAnswers(child: ChildProcess, port: number): Promise<ServedRegistry> {
  for (let tries = 0; ; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}/v2/`).catch(() => undefined);
    if (answer?.status === 200) break;
    if (tries === 100 || child.exitCode !== null) throw new Error(`no registry on port ${port}`);
    await delay(100);
  }
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  };
  return { host: `127.0.0.1:${port}`, port, stop };
}

/** `hawser registry serve` on a volume. */
export async function serveHawser(sandbox: Sandbox, volume: string): Promise<ServedRegistry> {
  const port = await freePort();
  const child = sandbox.start('registry', 'serve', '--addr', `127.0.0.1:${port}`, '--root', volume);
  child.stdout.resume();
  child.stderr.resume();
  return untilItAnswers(child, port);
}

/** Debian's docker-registry on a volume. */
export async function serveDebian(sandbox: Sandbox, volume: string): Promise<ServedRegistry> {
  const port = await freePort();
  await mkdir(volume, { recursive: true });
  const config = join(sandbox.folder, `registry-${port}.yml`);
  const storage = `storage: {filesystem: {rootdirectory: ${volume}}, delete: {enabled: true}}`;
  await writeFile(
    config,
    `version: 0.1\nlog: {level: error}\n${storage}\nhttp: {addr: "127.0.0.1:${port}"}\n`,
  );
  return untilItAnswers(spawn('/usr/bin/docker-registry', ['serve', config], { stdio: 'ignore' }), port);
}
