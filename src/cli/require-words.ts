import { HawserError } from '../errors/hawser-error.ts';

/** The plain words of a command line, at least one. @throws HawserError INVALID_ARGUMENT */
export function requireWords(argv: readonly unknown[], what: string): string[] {
  if (argv.length === 0) {
    throw new HawserError('INVALID_ARGUMENT', `${what} must be named`, { remedy: 'See --help.' });
  }
  return argv.map(String);
}
