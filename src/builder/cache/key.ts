import { type Digest, digestOf } from '../../image/digest.ts';

export type KeyPart = string | number | boolean | undefined | readonly KeyPart[];

/** Changes whenever what an operation does to equal inputs changes: older entries are then never found. */
const KEY_VERSION = 1;

/**
 * The key of an operation: a digest over its kind and all that its result depends on. JSON frames every part, so that no
 * two different lists of parts meet.
 */
export function cacheKeyOf(kind: string, parts: readonly KeyPart[]): Digest {
  return digestOf(JSON.stringify([KEY_VERSION, kind, parts.map(framed)]));
}

/** Undefined stays apart from every string and from `null`'s absence in JSON lists. */
function framed(part: KeyPart): unknown {
  if (part === undefined) return {};
  return Array.isArray(part) ? part.map(framed) : part;
}
