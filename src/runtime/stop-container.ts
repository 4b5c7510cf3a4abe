import { HawserError } from '../errors/hawser-error.ts';
import { throwIfAborted } from '../util/abort.ts';
import { cleanupContainer } from './cleanup-container.ts';
import type { ContainerEngine } from './container-engine.ts';
import { stateOf } from './container-state.ts';
import { readRecord } from './container-store.ts';
import type { ContainerRecord, ContainerState } from './container-types.ts';
import { markStopped } from './restart-policy.ts';
import { runtimeKill } from './runc.ts';
import { parseSignal } from './signals.ts';
import { startContainer } from './start-container.ts';
import { waitContainer } from './wait-container.ts';

const SIGKILL = 9;

function recordOf(engine: ContainerEngine, id: string): ContainerRecord {
  const record = readRecord(engine, id);
  if (record === undefined)
    throw new HawserError('CONTAINER_UNKNOWN', `there is no container ${id.slice(0, 12)}`);
  return record;
}

/**
 * Sends a signal, default SIGKILL, to a container's first process.
 *
 * @throws HawserError CONFLICT where it does not run, INVALID_ARGUMENT for an unknown signal
 */
export async function killContainer(
  engine: ContainerEngine,
  id: string,
  options: { readonly signal?: string } = {},
): Promise<void> {
  const signal = parseSignal(options.signal ?? 'SIGKILL');
  const record = recordOf(engine, id);
  if (signal === SIGKILL || signal === record.stopSignal) markStopped(engine, id);
  if (stateOf(engine, id).status !== 'running' || !(await runtimeKill(engine.runtime, id, signal))) {
    throw new HawserError('CONFLICT', `container ${record.name} is not running`);
  }
}

/** Waits up to `milliseconds`; undefined where it runs on. */
async function endWithin(
  engine: ContainerEngine,
  id: string,
  options: { readonly milliseconds: number; readonly signal?: AbortSignal | undefined },
): Promise<ContainerState | undefined> {
  const timeout = AbortSignal.timeout(options.milliseconds);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
  try {
    return await waitContainer(engine, id, { signal });
  } catch (error) {
    throwIfAborted(options.signal);
    if (timeout.aborted) return undefined;
    throw error;
  }
}

export interface StopOptions {
  /** Seconds until SIGKILL; default the container's, else 10. */
  readonly timeout?: number;
  /** Instead of the container's stop signal. */
  readonly stopSignal?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Ends a container and gives back what it held; one that does not run is left as it is. */
export async function stopContainer(
  engine: ContainerEngine,
  id: string,
  options: StopOptions = {},
): Promise<ContainerState> {
  const record = recordOf(engine, id);
  markStopped(engine, id);
  let state: ContainerState | undefined = stateOf(engine, id);
  if (state.status === 'running') {
    const signal = options.stopSignal === undefined ? record.stopSignal : parseSignal(options.stopSignal);
    const seconds = options.timeout ?? record.request.stopTimeout ?? 10;
    await runtimeKill(engine.runtime, id, signal);
    state = await endWithin(engine, id, { milliseconds: seconds * 1000, signal: options.signal });
    if (state === undefined) {
      await runtimeKill(engine.runtime, id, SIGKILL);
      state = await waitContainer(engine, id, { signal: options.signal });
    }
  }
  await cleanupContainer(engine, id);
  return state;
}

export async function restartContainer(
  engine: ContainerEngine,
  id: string,
  options: StopOptions = {},
): Promise<void> {
  await stopContainer(engine, id, options);
  await startContainer(engine, id);
}
