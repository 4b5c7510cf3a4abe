import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { HawserError } from '../errors/hawser-error.ts';
import { AttachSocket } from './attach-socket.ts';
import type { ContainerEngine } from './container-engine.ts';
import { stateOf } from './container-state.ts';
import { bundleFolder } from './container-store.ts';

export interface AttachStreams {
  /** Left out: the container's stdin stays as it is. */
  readonly stdin?: Readable | undefined;
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;
  /** Detaches; the container runs on. */
  readonly signal?: AbortSignal | undefined;
  /** Keys that detach, `ctrl-p,ctrl-q` as bytes; none where it is left out. */
  readonly detachKeys?: Uint8Array;
}

/** Hands `stdin` on until it ends or the container takes no more. */
async function pumpInput(
  socket: AttachSocket,
  streams: AttachStreams & { readonly stdin: Readable },
): Promise<void> {
  const { stdin, detachKeys } = streams;
  let matched = 0;
  for await (const chunk of stdin as AsyncIterable<Buffer>) {
    if (detachKeys !== undefined) {
      for (const byte of chunk) {
        matched = byte === detachKeys[matched] ? matched + 1 : byte === detachKeys[0] ? 1 : 0;
        if (matched === detachKeys.length) {
          socket.detach();
          return;
        }
      }
    }
    if (!(await socket.write(chunk))) return;
  }
  socket.endInput();
}

export interface Attachment {
  /** Until the container ends, or the caller detaches. */
  readonly done: Promise<void>;
}

/** Connects before the container runs, so that nothing of its output is missed. */
export function openAttachment(
  engine: Pick<ContainerEngine, 'root' | 'run'>,
  id: string,
  streams: AttachStreams,
): Attachment {
  const socket = new AttachSocket(bundleFolder(engine, id));
  const abort = () => socket.detach();
  streams.signal?.addEventListener('abort', abort, { once: true });
  const { stdin } = streams;
  const input =
    stdin === undefined
      ? Promise.resolve()
      : pumpInput(socket, { ...streams, stdin }).catch(() => socket.endInput());
  const finish = async () => {
    try {
      await socket.readAll(streams.onOutput);
    } finally {
      streams.signal?.removeEventListener('abort', abort);
      stdin?.destroy();
      await input;
      await socket.close();
    }
  };
  return { done: finish() };
}

/** Joins streams to a running container. @throws HawserError CONFLICT where it does not run */
export async function attachContainer(
  engine: Pick<ContainerEngine, 'root' | 'run'>,
  id: string,
  streams: AttachStreams,
): Promise<void> {
  if (stateOf(engine, id).status !== 'running') {
    throw new HawserError('CONFLICT', `container ${id.slice(0, 12)} is not running`, {
      remedy: 'Start it first.',
    });
  }
  await openAttachment(engine, id, streams).done;
}

/** Tells the terminal of a container its size. */
export async function resizeContainer(
  engine: Pick<ContainerEngine, 'root' | 'run'>,
  id: string,
  size: { readonly rows: number; readonly columns: number },
): Promise<void> {
  // conmon's control fifo: `1 rows columns`
  await writeFile(join(bundleFolder(engine, id), 'ctl'), `1 ${size.rows} ${size.columns}\n`, { flag: 'r+' });
}
