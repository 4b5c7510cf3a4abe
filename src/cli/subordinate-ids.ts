import { readFileSync } from 'node:fs';
import { systemErrorCode } from '../errors/hawser-error.ts';

/** Ids of the machine that a user may map; subuid(5). */
export interface SubordinateRange {
  readonly first: number;
  readonly count: number;
}

/** The largest range of a user by name or number. */
export function findRange(text: string, name: string, uid: number): SubordinateRange | undefined {
  const ranges = text.split('\n').flatMap(line => {
    const [owner, first, count] = line.trim().split(':');
    const isOwn = owner === name || owner === String(uid);
    return isOwn && Number(count) > 0 ? { first: Number(first), count: Number(count) } : [];
  });
  return ranges.toSorted((a, b) => b.count - a.count)[0];
}

/** @param file /etc/subuid or /etc/subgid; the names in both are of users */
export function subordinateRange(file: string, name: string, uid: number): SubordinateRange | undefined {
  try {
    return findRange(readFileSync(file, 'utf8'), name, uid);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
