import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { HawserError } from '../errors/hawser-error.ts';
import { type FileLock, lockFile } from '../util/file-lock.ts';
import { entryCommand } from '../util/worker-entry.ts';
import type { EnteringStep } from './enter-root.ts';
import { PlainDevices, plainProc } from './plain-devices.ts';
import { isWritten, PlainMounts } from './plain-mounts.ts';
import type { PreparedStep } from './run-oci-step.ts';
import type { RunStepResult } from './run-step-types.ts';
import { type PathMount, writeStepFiles } from './step-bundles.ts';
import { killMarked, stepMark } from './step-marker.ts';
import { runStepProcess } from './step-process.ts';

/**
 * Runs the step with nothing but chroot(2), as an unprivileged CI container grants it.
 * docs/decisions/0026-isolation-without-privileges.md
 *
 * @throws HawserError ABORTED, UNSUPPORTED
 */
export async function runPlainStep(step: PreparedStep, folder: string): Promise<RunStepResult> {
  refuseWithoutNamespaces(step);
  const mounts = [plainProc(join(folder, 'proc')), ...writeStepFiles(folder, step)];
  const locks = await lockWritten(mounts, step);
  try {
    const sorted = mounts.toSorted((a, b) => (a.target < b.target ? -1 : 1));
    const placed = new PlainMounts(step.rootfs, sorted);
    try {
      const devices = new PlainDevices(step.rootfs);
      try {
        return await runMarked(step, folder);
      } finally {
        devices.remove();
      }
    } finally {
      placed.remove();
    }
  } finally {
    for (const lock of locks) await lock.release();
  }
}

/** @throws HawserError UNSUPPORTED */
function refuseWithoutNamespaces({ network, limits }: PreparedStep): void {
  const { shmSize, ulimits = [] } = limits;
  const wanted =
    network === 'none'
      ? '--network=none'
      : shmSize !== undefined
        ? '--shm-size'
        : // its processes are known by that limit
          ulimits.some(({ name }) => name === 'rttime')
          ? '--ulimit rttime'
          : undefined;
  if (wanted === undefined) return;
  throw new HawserError('UNSUPPORTED', `RUN with ${wanted}: this machine grants hawser no namespaces`, {
    remedy: `Run hawser with CAP_SYS_ADMIN, or without ${wanted}.`,
  });
}

/** A cache that is shared takes turns here, since each step works on a tree of its own. */
async function lockWritten(mounts: readonly PathMount[], step: PreparedStep): Promise<readonly FileLock[]> {
  const sources = mounts.filter(isWritten).map(mount => mount.source);
  const locks: FileLock[] = [];
  try {
    // in one order for all, lest two steps wait for each other
    for (const source of [...new Set(sources)].sort()) {
      const options = { shared: false, timeout: Number.POSITIVE_INFINITY, signal: step.signal };
      locks.push(await lockFile(`${source}.turn`, options));
    }
    return locks;
  } catch (error) {
    for (const lock of locks) await lock.release();
    throw error;
  }
}

/** Ends what the step leaves running, which would hold and change its files. */
async function runMarked(step: PreparedStep, folder: string): Promise<RunStepResult> {
  const mark = stepMark(basename(folder));
  const { rootfs, args, env, cwd, privileged, user } = step;
  const { uid, gid, additionalGids } = user;
  const parent = process.pid;
  const entering: EnteringStep = {
    rootfs,
    args,
    env,
    cwd,
    uid,
    gid,
    additionalGids,
    privileged,
    ulimits: step.limits.ulimits ?? [],
    mark,
    parent,
  };
  const file = join(folder, 'step.json');
  writeFileSync(file, JSON.stringify(entering), { mode: 0o600 });
  const { onOutput, signal, terminal } = step;
  const afterExit = () => killMarked(new Set([mark]));
  const words = [...entryCommand('runtime/workers/enter-root.worker'), file];
  return runStepProcess(words, { onOutput, signal, terminal, afterExit });
}
