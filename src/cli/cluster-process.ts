import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { writeFileAtomic } from '../util/atomic-file.ts';
import { isRunning, type ProcessIdentity, processIdentity } from '../util/process-identity.ts';
import type { Roots } from '../util/roots.ts';

/** A cluster in the background: its process and where its API is. */
export interface ClusterProcess {
  readonly process: ProcessIdentity;
  readonly url: string;
}

function recordPath({ run }: Roots): string {
  return join(run, 'cluster.json');
}

/** Where a cluster in the background writes what it has to say. */
export function clusterLogPath({ root }: Roots): string {
  return join(root, 'cluster', 'cluster.log');
}

/** The cluster of these roots that runs; undefined for none. */
export function findCluster(roots: Roots): ClusterProcess | undefined {
  try {
    const record = JSON.parse(readFileSync(recordPath(roots), 'utf8')) as ClusterProcess;
    return isRunning(record.process) ? record : undefined;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Whether an API answers at `url` that it is ready. */
export function isReady(url: string): Promise<boolean> {
  return new Promise(resolve => {
    const request = get(`${url}/readyz`, { timeout: 1000 }, response => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
}

function lastLines(path: string): string {
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-8).join('\n');
}

/**
 * Starts `hawser cluster serve` in the background, and waits until its API answers.
 *
 * @throws HawserError UNAVAILABLE with the end of its log, where it ends or is not ready in time
 */
export async function startCluster(
  roots: Roots,
  options: { readonly url: string; readonly args: readonly string[]; readonly signal: AbortSignal },
): Promise<ClusterProcess> {
  const log = clusterLogPath(roots);
  mkdirSync(join(roots.root, 'cluster'), { recursive: true });
  const output = openSync(log, 'a');
  const command = [...process.execArgv, process.argv[1] ?? '', 'cluster', 'serve', ...options.args];
  const child = spawn(process.execPath, command, { detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  let ended = false;
  child.once('exit', () => {
    ended = true;
  });
  child.unref();
  for (
    const deadline = Date.now() + 30_000;
    !(await isReady(options.url));
    await delay(50, undefined, options)
  ) {
    if (ended || Date.now() > deadline) {
      const why = ended ? 'ended' : 'is not ready within 30 s';
      throw new HawserError('UNAVAILABLE', `the cluster ${why}:\n${lastLines(log)}`, {
        remedy: `See ${log}.`,
      });
    }
  }
  const identity = child.pid === undefined ? undefined : processIdentity(child.pid);
  if (ended || identity === undefined) {
    throw new HawserError('ADDRESS_IN_USE', `another API answers at ${options.url}`, {
      remedy: 'Stop it, or choose another port with --port.',
    });
  }
  const record = { process: identity, url: options.url };
  await writeFileAtomic(recordPath(roots), JSON.stringify(record), { durable: false });
  return record;
}

/** Ends the cluster's process; its pods' containers run on. False where none runs. */
export async function stopCluster(roots: Roots): Promise<boolean> {
  const cluster = findCluster(roots);
  if (cluster === undefined) return false;
  process.kill(cluster.process.pid, 'SIGTERM');
  for (let waited = 0; isRunning(cluster.process); waited += 50) {
    if (waited > 15_000) process.kill(cluster.process.pid, 'SIGKILL');
    await delay(50);
  }
  rmSync(recordPath(roots), { force: true });
  return true;
}
