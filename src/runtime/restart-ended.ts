import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isHawserError } from '../errors/hawser-error.ts';
import { type FileLock, lockFile } from '../util/file-lock.ts';
import type { ContainerEngine } from './container-engine.ts';
import { readRecord } from './container-store.ts';
import { nextRestarts, wantsRestart, writeRestarts } from './restart-policy.ts';
import { startContainer } from './start-container.ts';

async function tryRestartLock(engine: ContainerEngine, id: string): Promise<FileLock | undefined> {
  try {
    return await lockFile(join(engine.run, 'locks', `restart-${id}`), { timeout: 0 });
  } catch (error) {
    if (isHawserError(error, 'LOCK_TIMEOUT')) return undefined;
    throw error;
  }
}

/** One pause and one start. */
async function restartOnce(engine: ContainerEngine, id: string): Promise<void> {
  const restarts = nextRestarts(engine, id);
  await delay(restarts.pause);
  // Gone or stopped meanwhile.
  const record = readRecord(engine, id);
  if (record === undefined || !wantsRestart(engine, record)) return;
  try {
    await startContainer(engine, id, { isRestart: true });
  } catch (error) {
    // Why is on record, where `inspect` shows it; the next try comes after a longer pause.
    if (!isHawserError(error)) throw error;
  } finally {
    if (readRecord(engine, id) !== undefined) await writeRestarts(engine, id, restarts);
  }
}

/**
 * Starts a container that has ended as often as its restart policy wants, until it runs; one process at a time does so. A
 * container that ends while its start is being finished is not missed: who finished it looks once more.
 */
export async function restartEnded(engine: ContainerEngine, id: string): Promise<void> {
  for (;;) {
    const record = readRecord(engine, id);
    if (record === undefined || !wantsRestart(engine, record)) return;
    const lock = await tryRestartLock(engine, id);
    if (lock === undefined) return;
    try {
      await restartOnce(engine, id);
    } finally {
      await lock.release();
    }
  }
}

/** Has a process of its own see to a container that ended, as its conmon would have done. */
export function leaveToCleanup(engine: ContainerEngine, id: string): void {
  const [program, ...rest] = engine.cleanupCommand;
  if (program === undefined) return;
  const env = { ...process.env, HAWSER_ROOT: engine.root, HAWSER_RUN: engine.run };
  spawn(program, [...rest, id], { detached: true, stdio: 'ignore', env }).unref();
}
