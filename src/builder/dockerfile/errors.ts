import type { SourceLocation } from '../../errors/hawser-error.ts';
import { HawserError } from '../../errors/hawser-error.ts';
import { nearest } from '../../util/nearest.ts';

/** An error in a Dockerfile, at its place. Where BuildKit has a text for it, `message` is that text. */
export function dockerfileError(message: string, location: SourceLocation, remedy?: string): HawserError {
  return new HawserError('DOCKERFILE_INVALID', message, {
    location,
    ...(remedy === undefined ? {} : { remedy }),
  });
}

/** ` (did you mean X?)` in BuildKit's words, and the remedy that goes with it; both empty when nothing is near. */
export function suggestion(
  word: string,
  candidates: readonly string[],
): { readonly suffix: string; readonly remedy?: string } {
  const near = nearest(word, candidates);
  return near === undefined
    ? { suffix: '' }
    : { suffix: ` (did you mean ${near}?)`, remedy: `Write ${near}.` };
}
