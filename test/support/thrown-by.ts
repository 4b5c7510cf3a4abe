import type { ErrorCode } from '../../src/errors/codes.ts';
import { type HawserError, isHawserError } from '../../src/errors/hawser-error.ts';

/** The HawserError that `action` throws, which must have `code`. */
export function thrownBy(action: () => unknown, code: ErrorCode): HawserError {
  try {
    action();
  } catch (error) {
    if (isHawserError(error, code)) return error;
    throw error;
  }
  throw new Error(`nothing was thrown where ${code} was expected`);
}
