import { existsSync, mkdirSync } from 'node:fs';
import { EntryCopier } from '../execute/copy/copy-entries.ts';
import { listSource } from '../execute/copy/list-source.ts';

/** `type=local`: the files of the image into a folder, over what is there. */
export function copyRootfs(root: string, dest: string): void {
  if (!existsSync(dest)) mkdirSync(dest, { recursive: true });
  const copier = new EntryCopier({ root: dest, path: '/' });
  for (const listing of listSource({ root, owners: 'kept' }, { path: '/' }) ?? []) copier.copy(listing);
}
