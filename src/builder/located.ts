import { HawserError, isHawserError, type SourceLocation } from '../errors/hawser-error.ts';

/** The same error with a place in the Dockerfile, unless it has one. */
export function located(error: unknown, location: SourceLocation | undefined): unknown {
  if (!isHawserError(error) || error.location !== undefined || location === undefined) return error;
  const { code, message, remedy, detail, exitCode } = error;
  return new HawserError(code, message, {
    cause: error,
    location,
    detail,
    ...(remedy === undefined ? {} : { remedy }),
    ...(exitCode === undefined ? {} : { exitCode }),
  });
}
