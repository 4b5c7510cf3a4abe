import { type AttachStreams, attachContainer, resizeContainer } from '../runtime/attach-container.ts';
import type { ContainerEngine } from '../runtime/container-engine.ts';
import { stateOf } from '../runtime/container-state.ts';
import type { ContainerRecord } from '../runtime/container-types.ts';
import { removeContainer } from '../runtime/remove-container.ts';
import { runAttached } from '../runtime/run-attached.ts';
import { startContainer } from '../runtime/start-container.ts';
import { killContainer } from '../runtime/stop-container.ts';

/** ctrl-p ctrl-q, as in Docker. */
const detachKeys = Uint8Array.of(0x10, 0x11);

/** Starts a container and leaves it; a `--rm` one that cannot start is removed. */
export async function startDetached(engine: ContainerEngine, record: ContainerRecord): Promise<void> {
  try {
    await startContainer(engine, record.id);
  } catch (error) {
    if (record.request.autoRemove === true)
      await removeContainer(engine, record.id, { force: true, volumes: true });
    throw error;
  }
}

/** Hands signals of this process on to the container's, as `docker run` does without a terminal. */
function forwardSignals(engine: ContainerEngine, id: string): () => void {
  const forward = (signal: NodeJS.Signals) => {
    // The container may have ended meanwhile: then there is nobody to tell.
    killContainer(engine, id, { signal }).catch(() => undefined);
  };
  const signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];
  for (const signal of signals) {
    process.removeAllListeners(signal);
    process.on(signal, forward);
  }
  return () => {
    for (const signal of signals) process.off(signal, forward);
  };
}

/** Follows the size of the terminal, and takes keys as they are typed. */
function takeTerminal(engine: ContainerEngine, id: string): () => void {
  const resize = () => {
    const { rows, columns } = process.stdout;
    // Until conmon has made its fifo there is nothing to tell the size to.
    resizeContainer(engine, id, { rows, columns }).catch(() => undefined);
  };
  process.stdin.setRawMode(true);
  process.stdout.on('resize', resize);
  const first = setTimeout(resize, 100);
  return () => {
    clearTimeout(first);
    process.stdout.off('resize', resize);
    process.stdin.setRawMode(false);
  };
}

/** Lends this process's streams to a container for as long as `work` takes. */
async function withOwnStreams<T>(
  engine: ContainerEngine,
  { id, request }: ContainerRecord,
  work: (streams: AttachStreams) => Promise<T>,
): Promise<T> {
  const hasTerminal = request.tty === true && process.stdin.isTTY && process.stdout.isTTY;
  const giveBack = hasTerminal ? takeTerminal(engine, id) : forwardSignals(engine, id);
  try {
    return await work({
      ...(request.stdin === true ? { stdin: process.stdin } : {}),
      ...(hasTerminal ? { detachKeys } : {}),
      onOutput: (stream, chunk) => void process[stream].write(chunk),
    });
  } finally {
    giveBack();
  }
}

/** Runs a container with this process's streams. @returns its exit code */
export async function runInForeground(engine: ContainerEngine, record: ContainerRecord): Promise<number> {
  const state = await withOwnStreams(engine, record, streams => runAttached(engine, record.id, streams));
  return state.exitCode ?? 0;
}

/** Joins this process's streams to a container that runs. @returns its exit code; 0 once detached */
export async function attachInForeground(engine: ContainerEngine, record: ContainerRecord): Promise<number> {
  await withOwnStreams(engine, record, streams => attachContainer(engine, record.id, streams));
  const { status, exitCode } = stateOf(engine, record.id);
  return status === 'running' ? 0 : (exitCode ?? 0);
}
