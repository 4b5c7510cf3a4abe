import { HawserError } from '../errors/hawser-error.ts';
import { formatReference, parseReference, withDefaultTag } from '../image/reference.ts';

/**
 * The full name that an image gets: `nginx` → `docker.io/library/nginx:latest`.
 *
 * @throws HawserError REFERENCE_INVALID, also for a digest, which nobody can choose
 */
export function parseTagTarget(text: string): string {
  const reference = parseReference(text);
  if (reference.digest !== undefined) {
    throw new HawserError('REFERENCE_INVALID', `cannot give an image the name "${text}": it has a digest`, {
      remedy: 'Leave the @digest out: content has the digest that it has.',
    });
  }
  return formatReference(withDefaultTag(reference));
}
