import { HawserError } from '../errors/hawser-error.ts';

/** @throws HawserError ABORTED when `signal` has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) {
    throw new HawserError('ABORTED', 'the operation was cancelled', { cause: signal.reason });
  }
}

/**
 * The result of `work`, or an end of the waiting for it when the signal fires; the work itself goes on.
 *
 * @throws HawserError ABORTED
 */
export async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  let abort = () => {};
  const aborted = new Promise<void>(resolve => {
    abort = resolve;
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    if (!signal.aborted) await Promise.race([work, aborted]);
    throwIfAborted(signal);
    return await work;
  } finally {
    // Nobody waits for it any more.
    work.catch(() => undefined);
    signal.removeEventListener('abort', abort);
  }
}
