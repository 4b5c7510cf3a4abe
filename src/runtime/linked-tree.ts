import { linkSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../errors/hawser-error.ts';
import { copyMetadata, copyTree } from '../layers/copy-tree.ts';
import { fsOps } from '../layers/fs-ops.ts';

const SLASH = Buffer.from('/');

function childOf(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, SLASH, name]);
}

/** Makes the folder `target` with all that is in `source`, its files as hard links; on another disk, as copies. */
export function linkTree(source: string, target: string): void {
  mkdirSync(target);
  try {
    linkFolder(Buffer.from(source), Buffer.from(target));
  } catch (error) {
    if (systemErrorCode(error) !== 'EXDEV') throw error;
    rmSync(target, { recursive: true });
    mkdirSync(target);
    copyTree(fsOps, Buffer.from(source), Buffer.from(target));
  }
}

function linkFolder(source: Buffer, target: Buffer): void {
  for (const name of readdirSync(source, { encoding: 'buffer' })) {
    const [from, to] = [childOf(source, name), childOf(target, name)];
    if (lstatSync(from).isDirectory()) {
      mkdirSync(to);
      linkFolder(from, to);
    } else {
      linkSync(from, to);
    }
  }
  copyMetadata(fsOps, source, target);
}

/** Gives each file below `folder` that has another name elsewhere a content of its own. */
export function partTree(folder: string): void {
  const temporary = Buffer.from(join(folder, '.hawser-parting'));
  const visit = (path: Buffer) => {
    for (const name of readdirSync(path, { encoding: 'buffer' })) {
      const child = childOf(path, name);
      const stat = lstatSync(child);
      if (stat.isDirectory()) visit(child);
      else if (stat.isFile() && stat.nlink > 1) {
        fsOps.copyFile(child, temporary);
        copyMetadata(fsOps, child, temporary);
        renameSync(temporary, child);
      }
    }
  };
  visit(Buffer.from(folder));
}
