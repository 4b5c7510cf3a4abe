import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isHawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { detectCompression } from '../layers/compression.ts';
import { blockSize, decodeHeaderBlock, isZeroBlock } from '../tar/header-block.ts';
import type { ContextFiles } from './dockerfile/lint/advice/survey.ts';
import { ignoreOf, type SourceTree } from './execute/copy/source-tree.ts';

/** The files of a build context for the linter: as .dockerignore leaves them, and read only where it must be. */
export function contextFiles(tree: SourceTree): ContextFiles {
  const ignore = ignoreOf(tree);
  const isHidden = (path: string) =>
    ignore?.excludes(path) === true && ignore.couldIncludeBelow(path) === false;
  return {
    names: readdirSync(tree.root).filter(name => !isHidden(name)),
    kindOf: path => (isHidden(path) ? undefined : kindOf(join(tree.root, path))),
    isArchive: path => isArchive(join(tree.root, path)),
  };
}

function kindOf(path: string): 'file' | 'folder' | undefined {
  try {
    const stats = statSync(path);
    if (stats.isDirectory()) return 'folder';
    return stats.isFile() ? 'file' : undefined;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined; // not there, or not to be seen
  }
}

/** By its first block. What is compressed counts, whatever is inside. */
function isArchive(path: string): boolean {
  const block = Buffer.alloc(blockSize);
  const file = openSync(path, 'r');
  try {
    const length = readSync(file, block, 0, blockSize, 0);
    if (detectCompression(block.subarray(0, length)) !== 'uncompressed') return true;
    return length === blockSize && isHeader(block);
  } finally {
    closeSync(file);
  }
}

function isHeader(block: Buffer): boolean {
  if (isZeroBlock(block)) return false;
  try {
    decodeHeaderBlock(block);
    return true;
  } catch (error) {
    if (isHawserError(error, 'TAR_INVALID')) return false;
    throw error;
  }
}
