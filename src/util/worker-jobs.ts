import { availableParallelism } from 'node:os';
import { parentPort, type TransferListItem, type Worker } from 'node:worker_threads';
import { type ErrorCode, errorCodes } from '../errors/codes.ts';
import { HawserError, isHawserError, messageOf } from '../errors/hawser-error.ts';
import { throwIfAborted } from './abort.ts';
import { startWorker } from './worker-entry.ts';

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly remedy?: string;
  readonly detail?: unknown;
}

type Reply<Result> = { readonly result: Result } | { readonly failure: Failure };

function toFailure(error: unknown): Failure {
  if (!isHawserError(error)) return { code: 'INTERNAL', message: messageOf(error) };
  return {
    code: error.code,
    message: error.message,
    ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
    ...(error.detail === undefined ? {} : { detail: error.detail }),
  };
}

function toError({ code, message, remedy, detail }: Failure): HawserError {
  const known: ErrorCode = code in errorCodes ? (code as ErrorCode) : 'INTERNAL';
  return new HawserError(known, message, { ...(remedy === undefined ? {} : { remedy }), detail });
}

/** Answers the jobs of `JobThreads`; to be called by a worker's entry, once. */
export function serveJobs<Job, Result>(work: (job: Job) => Result | Promise<Result>): void {
  parentPort?.on('message', async (job: Job) => {
    let reply: Reply<Result>;
    try {
      reply = { result: await work(job) };
    } catch (error) {
      reply = { failure: toFailure(error) };
    }
    parentPort?.postMessage(reply, []);
  });
}

export interface RunJobOptions {
  readonly signal?: AbortSignal | undefined;
  readonly transfer?: readonly TransferListItem[];
}

/**
 * A few threads that each do one job at a time and stay for the next one. Idle ones do not keep the process alive.
 */
export class JobThreads<Job, Result> {
  readonly #entry: string;
  readonly #limit: number;
  readonly #idle: Worker[] = [];
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** @param entry As `startWorker` takes it. */
  constructor(entry: string, limit: number = availableParallelism()) {
    this.#entry = entry;
    this.#limit = limit;
  }

  /**
   * @param options.transfer What of the job goes over to the thread.
   * @throws what the job threw; HawserError ABORTED, and then the job has stopped
   */
  async run(job: Job, options: RunJobOptions = {}): Promise<Result> {
    const { signal } = options;
    if (this.#running >= this.#limit) await new Promise<void>(resolve => this.#waiting.push(resolve));
    this.#running++;
    try {
      throwIfAborted(signal);
      const worker = this.#idle.pop() ?? startWorker(this.#entry, undefined);
      const reply = await ask<Reply<Result>>(worker, job, options);
      worker.unref();
      this.#idle.push(worker);
      if ('failure' in reply) throw toError(reply.failure);
      return reply.result;
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }
}

function ask<Answer>(worker: Worker, job: unknown, options: RunJobOptions): Promise<Answer> {
  const { signal, transfer = [] } = options;
  return new Promise((resolve, reject) => {
    const end = () => {
      worker.off('message', onReply).off('error', onError).off('exit', onExit);
      signal?.removeEventListener('abort', onAbort);
    };
    const onReply = (reply: Answer) => {
      end();
      resolve(reply);
    };
    const onError = (error: unknown) => {
      end();
      reject(error);
    };
    const onExit = () =>
      onError(new HawserError('INTERNAL', 'a worker thread ended in the middle of its job'));
    const onAbort = () => {
      end();
      const aborted = new HawserError('ABORTED', 'the operation was cancelled', { cause: signal?.reason });
      // Only then has the job stopped.
      worker.terminate().then(() => reject(aborted), reject);
    };
    worker.on('message', onReply).on('error', onError).on('exit', onExit);
    signal?.addEventListener('abort', onAbort);
    worker.ref();
    worker.postMessage(job, transfer);
  });
}
