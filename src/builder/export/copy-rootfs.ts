import { existsSync, mkdirSync } from 'node:fs';
import { EntryCopier } from '../execute/copy/copy-entries.ts';
import { listSource } from '../execute/copy/list-source.ts';
import type { SourceEntry } from '../execute/copy/source-entry.ts';

/**
 * `type=local`: the files of the image into a folder, over what is there. As with BuildKit they belong to who builds, and
 * all have the time of SOURCE_DATE_EPOCH where it is given.
 *
 * @param epoch Seconds since 1970.
 */
export function copyRootfs(root: string, dest: string, epoch: number | undefined): void {
  if (!existsSync(dest)) mkdirSync(dest, { recursive: true });
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const copier = new EntryCopier({ root: dest, path: '/', owner });
  const dated = (entry: SourceEntry) => (epoch === undefined ? entry : { ...entry, mtime: epoch * 1000 });
  for (const listing of listSource({ root, owners: 'kept' }, { path: '/' }) ?? []) {
    copier.copy({
      ...listing,
      top: dated(listing.top),
      *below() {
        for (const entry of listing.below()) yield dated(entry);
      },
    });
  }
}
