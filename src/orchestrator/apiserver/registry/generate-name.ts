import { randomInt } from 'node:crypto';

/** Without vowels and what looks alike: apimachinery pkg/util/rand. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** Characters of the base that are kept: a name has at most 63, five of which are random. */
const BASE_LIMIT = 58;

export function generateName(base: string): string {
  const random = Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]);
  return `${base.slice(0, BASE_LIMIT)}${random.join('')}`;
}
