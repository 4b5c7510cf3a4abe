import type { TarEntry } from '../tar/entry.ts';
import type { ByteString } from '../util/byte-string.ts';
import { refuseEntry } from './apply-paths.ts';

export const whiteoutPrefix = '.wh.';
export const opaqueName = '.wh..wh..opq';

/** Whether an entry lies below a folder whose name is a mark: of aufs (passed over); any other is refused. */
export function isInsideWhiteout(parts: readonly ByteString[], entry: TarEntry): boolean {
  const mark = parts.slice(0, -1).find(part => part.startsWith(whiteoutPrefix));
  if (mark === undefined) return false;
  if (mark.startsWith(`${whiteoutPrefix}${whiteoutPrefix}`)) return true;
  return refuseEntry(entry.name, 'it lies inside a whiteout');
}
