import { exitCodeOf } from '../errors/codes.ts';
import { HawserError } from '../errors/hawser-error.ts';

/**
 * Throws the error on with exit code 125, as Docker does: hawser failed, not the program in the container. Errors that
 * have an exit code of their own (usage, a program that is not there, Ctrl-C) keep it.
 */
export function failBeforeStart(error: unknown): never {
  if (!(error instanceof HawserError) || (error.exitCode ?? exitCodeOf(error.code)) !== 1) throw error;
  const { code, message, cause, remedy, location, detail } = error;
  throw new HawserError(code, message, {
    ...(cause === undefined ? {} : { cause }),
    ...(location === undefined ? {} : { location }),
    remedy,
    detail,
    exitCode: 125,
  });
}
