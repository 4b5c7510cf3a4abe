import type { ContentHasher } from '../cache/content-digest.ts';
import { hashFile } from '../cache/stat-memo.ts';
import type { SourceTree } from './copy/list-source.ts';
import type { SourceEntry } from './copy/source-entry.ts';

/** The folder that COPY and ADD take files from. */
export interface BuildContextFiles {
  readonly tree: SourceTree;
  readonly hasher: ContentHasher;
  /** Where .dockerignore hides `path`, as `file:line: pattern`; undefined where it does not. */
  whyHidden(path: string): string | undefined;
}

/** Hashes files of snapshots, which nobody remembers: they are read once at most. */
export const plainHasher: ContentHasher = { digestOf: (file: SourceEntry) => hashFile(file.location) };
