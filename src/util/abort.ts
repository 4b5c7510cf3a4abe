import { HawserError } from '../errors/hawser-error.ts';

/** @throws HawserError ABORTED when `signal` has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) {
    throw new HawserError('ABORTED', 'the operation was cancelled', { cause: signal.reason });
  }
}
