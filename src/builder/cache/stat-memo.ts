import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../../errors/hawser-error.ts';
import { digestOf } from '../../image/digest.ts';
import { writeFileAtomic } from '../../util/atomic-file.ts';
import type { SourceEntry } from '../execute/copy/source-entry.ts';
import { hashFile } from './hash-file.ts';

/** Of a file: inode, size, times of content and inode in milliseconds; and the SHA-256 of its content in hex. */
type MemoEntry = readonly [ino: number, size: number, mtime: number, ctime: number, hex: string];

/**
 * A file whose inode changed this short a time ago may change again without its times showing it, since the kernel's
 * clock for files ticks every few milliseconds; it is not remembered.
 */
const SETTLED_AFTER = 100;

/**
 * Remembers the content digests of a build context's files, so that an unchanged file costs a stat and no read. It is a
 * memory only: when it is lost or unreadable, contents are hashed again.
 */
export class StatMemo {
  readonly #path: string;
  #known: Map<string, MemoEntry> | undefined;
  readonly #current = new Map<string, MemoEntry>();
  #changed = false;

  /** @param folder Of all memos; each context has a file of its own there. */
  constructor(folder: string, context: string) {
    this.#path = join(folder, `${digestOf(context).slice(7, 39)}.json`);
  }

  /** SHA-256 in hex of the content of a file. */
  digestOf(
    file: Pick<SourceEntry, 'location' | 'ino' | 'size' | 'mtime' | 'ctime'>,
  ): string | Promise<string> {
    const path = file.location;
    this.#known ??= this.#load();
    const known = this.#known.get(path);
    if (
      known !== undefined &&
      known[0] === file.ino &&
      known[1] === file.size &&
      known[2] === file.mtime &&
      known[3] === file.ctime
    ) {
      this.#current.set(path, known);
      return known[4];
    }
    const now = Date.now();
    const hex = hashFile(path);
    if (now - file.ctime <= SETTLED_AFTER) return hex;
    const keep = (digest: string) => {
      this.#current.set(path, [file.ino, file.size, file.mtime, file.ctime, digest]);
      this.#changed = true;
      return digest;
    };
    return typeof hex === 'string' ? keep(hex) : hex.then(keep);
  }

  /** Writes down what is new. Entries that this build did not meet are kept while there is something to write. */
  async save(): Promise<void> {
    if (!this.#changed) return;
    const merged = new Map([...(this.#known ?? []), ...this.#current]);
    await writeFileAtomic(this.#path, JSON.stringify([...merged]), { durable: false });
    this.#changed = false;
  }

  #load(): Map<string, MemoEntry> {
    try {
      return new Map(JSON.parse(readFileSync(this.#path, 'utf8')) as [string, MemoEntry][]);
    } catch (error) {
      if (error instanceof SyntaxError || systemErrorCode(error) === 'ENOENT') return new Map();
      throw error;
    }
  }
}
