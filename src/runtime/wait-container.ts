import { type FSWatcher, mkdirSync, watch } from 'node:fs';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { throwIfAborted } from '../util/abort.ts';
import type { ContainerEngine } from './container-engine.ts';
import { stateOf } from './container-state.ts';
import { exitFolder, readRecord } from './container-store.ts';
import type { ContainerState } from './container-types.ts';

/** Undefined where the kernel has no watch left to give. */
function watchFolder(folder: string): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { persistent: true });
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOSPC' || code === 'EMFILE') return undefined;
    throw error;
  }
}

/** Wakes up on a change in a folder, and after `milliseconds` at the latest: watches may be lost or not to be had. */
function changeOf(
  watcher: FSWatcher | undefined,
  milliseconds: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timer);
      watcher?.off('change', done);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    watcher?.once('change', done);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/**
 * Waits until a container is not running; at once where it is not.
 *
 * @throws HawserError ABORTED, CONTAINER_UNKNOWN where it was removed meanwhile
 */
export async function waitContainer(
  engine: Pick<ContainerEngine, 'root' | 'run'>,
  id: string,
  options: { readonly signal?: AbortSignal | undefined; readonly poll?: number } = {},
): Promise<ContainerState> {
  const folder = exitFolder(engine, id);
  let state = stateOf(engine, id);
  if (state.status !== 'running') return state;
  mkdirSync(folder, { recursive: true });
  const watcher = watchFolder(folder);
  try {
    for (state = stateOf(engine, id); state.status === 'running'; state = stateOf(engine, id)) {
      throwIfAborted(options.signal);
      await changeOf(watcher, options.poll ?? 200, options.signal);
      if (readRecord(engine, id) === undefined) {
        throw new HawserError('CONTAINER_UNKNOWN', `container ${id.slice(0, 12)} was removed`);
      }
    }
    return state;
  } finally {
    watcher?.close();
  }
}
