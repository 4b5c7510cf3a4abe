import { createHash, type Hash } from 'node:crypto';
import type { SourceEntry } from './source-entry.ts';

/**
 * Tells two walks over the same sources apart that did not find the same: names, kinds, modes, and of files inode, size and
 * times. What a folder's own times say is in the names of what it holds.
 */
export class SourceRecord {
  readonly #hash: Hash = createHash('sha256');
  entries = 0;
  /** Bytes of all files. */
  size = 0;

  add(entry: SourceEntry): void {
    const { type, path, mode, ino, size, mtime, ctime, link } = entry;
    const facts = type === 'file' ? [ino, size, mtime, ctime] : [link];
    this.#hash.update(`${JSON.stringify([type, path, mode, facts])}\n`);
    this.entries++;
    this.size += size;
  }

  fingerprint(): string {
    return this.#hash.copy().digest('base64');
  }
}
