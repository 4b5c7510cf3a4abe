import type { FileTime } from '../../../layers/fs-ops.ts';

/** Milliseconds since 1970, as `fs.Stats` has them, for utimensat(2). */
export function fileTimeOf(milliseconds: number): FileTime {
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds, nanoseconds: Math.min(999_999_999, Math.round((milliseconds - seconds * 1000) * 1e6)) };
}
