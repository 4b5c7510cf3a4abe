import { reportError } from './report-error.ts';

/**
 * Does the same to several containers, as Docker does: each by the name the user gave it, which is printed when it is
 * done; a failure is told and the others go on.
 *
 * @returns the exit code
 */
export async function forEachContainer(
  names: readonly string[],
  work: (name: string) => Promise<unknown>,
  print: (line: string) => void,
): Promise<number> {
  let exitCode = 0;
  for (const name of names) {
    try {
      await work(name);
      print(name);
    } catch (error) {
      exitCode = reportError(error);
    }
  }
  return exitCode;
}
