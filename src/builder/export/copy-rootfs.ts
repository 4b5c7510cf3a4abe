import { existsSync, mkdirSync } from 'node:fs';
import { copyListings } from '../execute/copy/copy-entries.ts';
import { listSource } from '../execute/copy/list-source.ts';

/** `type=local`: the files of the image into a folder, over what is there. */
export function copyRootfs(root: string, dest: string): void {
  if (!existsSync(dest)) mkdirSync(dest, { recursive: true });
  copyListings(listSource({ root, isContext: false }, '/'), { root: dest, path: '/' });
}
