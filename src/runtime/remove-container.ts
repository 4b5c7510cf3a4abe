import { HawserError } from '../errors/hawser-error.ts';
import { discardContainer } from './cleanup-container.ts';
import type { ContainerEngine } from './container-engine.ts';
import { stateOf } from './container-state.ts';
import { readRecord, withContainerLock } from './container-store.ts';
import { runtimeKill } from './runc.ts';
import { waitContainer } from './wait-container.ts';

export interface RemoveOptions {
  /** Kills it where it runs. */
  readonly force?: boolean;
  /** Anonymous volumes too. */
  readonly volumes?: boolean;
}

/**
 * Removes a container with its writable layer and log; the image stays as it was. False where there is none.
 *
 * @throws HawserError CONFLICT where it runs and `force` is not given
 */
export function removeContainer(
  engine: ContainerEngine,
  id: string,
  options: RemoveOptions = {},
): Promise<boolean> {
  if (readRecord(engine, id) === undefined) return Promise.resolve(false);
  return withContainerLock(engine, id, async () => {
    const record = readRecord(engine, id);
    if (record === undefined) return false;
    if (stateOf(engine, id).status === 'running') {
      if (options.force !== true) {
        throw new HawserError('CONFLICT', `container ${record.name} is running`, {
          remedy: `Stop it first: hawser container stop ${record.name}, or use --force.`,
        });
      }
      await runtimeKill(engine.runtime, id, 9);
      await waitContainer(engine, id);
    }
    await discardContainer(engine, record, { volumes: options.volumes === true });
    return true;
  });
}
