import { setTimeout as delay } from 'node:timers/promises';
import { throwIfAborted } from '../util/abort.ts';

/** Seconds that `Retry-After` says, as a number or a date: RFC 9110 section 10.2.3. */
function secondsOf(retryAfter: string | undefined): number {
  const seconds = Number(retryAfter);
  return Number.isFinite(seconds) ? seconds : (Date.parse(retryAfter ?? '') - Date.now()) / 1000;
}

/** Milliseconds before the next try: what `Retry-After` says, else 0.2 s, 0.4 s, 0.8 s, with some chance in it. */
function pauseAfter(attempt: number, retryAfter: string | undefined): number {
  const seconds = secondsOf(retryAfter);
  if (seconds > 0) return Math.min(seconds, 30) * 1000;
  return 200 * 2 ** attempt * (0.75 + Math.random() / 2);
}

/** Waits before try number `attempt` + 2. @throws HawserError ABORTED */
export async function pauseBeforeRetry(
  attempt: number,
  options: { readonly retryAfter?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  try {
    await delay(pauseAfter(attempt, options.retryAfter), undefined, { signal: options.signal });
  } catch (error) {
    throwIfAborted(options.signal);
    throw error;
  }
}
