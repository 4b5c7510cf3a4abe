import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { type ErrorCode, errorCodes } from '../errors/codes.ts';
import { HawserError } from '../errors/hawser-error.ts';
import { throwIfAborted } from '../util/abort.ts';
import { startWorker } from '../util/worker-entry.ts';
import type { DiffOptions } from './diff-tree.ts';
import type { WrittenLayer } from './diff-writer.ts';
import type { SnapshotChanges } from './snapshotter.ts';

export interface DiffRequest {
  readonly changes: SnapshotChanges;
  readonly path: string;
  readonly options: DiffOptions;
}

export type DiffReply =
  | { readonly layer: WrittenLayer }
  | {
      readonly failure: { readonly code: string; readonly message: string; readonly remedy?: string };
    };

/** Threads that wait for the next layer; they do not keep the process alive. */
const idle: Worker[] = [];
let running = 0;
const waiting: (() => void)[] = [];

/** One thread a processor; the others wait for their turn. */
async function takeTurn(): Promise<void> {
  if (running >= availableParallelism()) await new Promise<void>(resolve => waiting.push(resolve));
  running++;
}

function endTurn(): void {
  running--;
  waiting.shift()?.();
}

function failureOf(reply: Extract<DiffReply, { readonly failure: unknown }>): HawserError {
  const { code, message, remedy } = reply.failure;
  const known: ErrorCode = code in errorCodes ? (code as ErrorCode) : 'INTERNAL';
  return new HawserError(known, message, remedy === undefined ? {} : { remedy });
}

function ask(worker: Worker, request: DiffRequest, signal: AbortSignal | undefined): Promise<DiffReply> {
  return new Promise((resolve, reject) => {
    const end = () => {
      worker.off('message', onReply).off('error', onError).off('exit', onExit);
      signal?.removeEventListener('abort', onAbort);
    };
    const onReply = (reply: DiffReply) => {
      end();
      resolve(reply);
    };
    const onError = (error: unknown) => {
      end();
      reject(error);
    };
    const onExit = () => onError(new HawserError('INTERNAL', 'the thread that writes layers ended'));
    const onAbort = () => {
      end();
      const aborted = new HawserError('ABORTED', 'the operation was cancelled', { cause: signal?.reason });
      // Only then does it write no more, and its file can be removed.
      worker.terminate().then(() => reject(aborted), reject);
    };
    worker.on('message', onReply).on('error', onError).on('exit', onExit);
    signal?.addEventListener('abort', onAbort);
    worker.ref();
    worker.postMessage(request, []);
  });
}

/**
 * Writes a layer in a worker thread; threads stay for the next one.
 *
 * @throws HawserError as `writeLayer`; ABORTED, which leaves the file half written
 */
export async function writeLayerInWorker(
  request: DiffRequest,
  signal: AbortSignal | undefined,
): Promise<WrittenLayer> {
  await takeTurn();
  try {
    throwIfAborted(signal);
    const worker = idle.pop() ?? startWorker('layers/workers/diff.worker', undefined);
    const reply = await ask(worker, request, signal);
    worker.unref();
    idle.push(worker);
    if ('failure' in reply) throw failureOf(reply);
    return reply.layer;
  } finally {
    endTurn();
  }
}
