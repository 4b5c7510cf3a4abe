import type { AttachStreams } from './attach-container.ts';
import { cleanupContainer } from './cleanup-container.ts';
import type { ContainerEngine } from './container-engine.ts';
import { readRecord } from './container-store.ts';
import type { ContainerState } from './container-types.ts';
import { removeContainer } from './remove-container.ts';
import { startContainer } from './start-container.ts';
import { waitContainer } from './wait-container.ts';

/**
 * `container run` without `-d`: starts with the streams joined, waits for the end and cleans up, so that nothing is left
 * to conmon's exit command. Detached by `streams.signal` or keys, it returns while the container still runs.
 */
export async function runAttached(
  engine: ContainerEngine,
  id: string,
  streams: AttachStreams,
): Promise<ContainerState> {
  const autoRemove = readRecord(engine, id)?.request.autoRemove === true;
  let attached: Promise<void> | undefined;
  try {
    ({ attached } = await startContainer(engine, id, { attach: streams }));
  } catch (error) {
    // Docker removes a `--rm` container that could not start as well.
    if (autoRemove) await removeContainer(engine, id, { force: true, volumes: true });
    throw error;
  }
  await attached;
  if (streams.signal?.aborted === true) return { status: 'running' };
  const state = await waitContainer(engine, id, { poll: 20 });
  await cleanupContainer(engine, id);
  return state;
}
