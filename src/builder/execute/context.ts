import type { ContentHasher } from '../cache/content-digest.ts';
import { hashFile } from '../cache/hash-file.ts';
import type { SourceTree } from './copy/source-tree.ts';

/** The folder that COPY and ADD take files from. */
export interface BuildContextFiles {
  readonly tree: SourceTree;
  readonly hasher: ContentHasher;
  /** For messages, e.g. `the build context`. */
  readonly name: string;
}

/** Hashes files of snapshots, which nobody remembers: they are read once at most. */
export const plainHasher: ContentHasher = { digestOf: file => hashFile(file.location) };
