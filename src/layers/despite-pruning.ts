import { isHawserError } from '../errors/hawser-error.ts';

/** A pruning looks once and removes for a while: more of them in a row than this are a fault. */
const maxTries = 5;

/**
 * Does `work` again where a pruning beside it took a snapshot that nothing stood on yet. What `work` needs to make the
 * snapshot anew must be under a lease.
 *
 * @throws HawserError SNAPSHOT_UNKNOWN where that happens again and again, and what `work` throws
 */
export async function despitePruning<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === maxTries || !isHawserError(error, 'SNAPSHOT_UNKNOWN')) throw error;
    }
  }
}
