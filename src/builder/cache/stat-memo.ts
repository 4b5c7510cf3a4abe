import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../../errors/hawser-error.ts';
import { digestOf } from '../../image/digest.ts';
import { writeFileAtomic } from '../../util/atomic-file.ts';
import type { SourceEntry } from '../execute/copy/source-entry.ts';
import { DigestTable } from './digest-table.ts';
import { hashFile } from './hash-file.ts';

/**
 * A file whose inode changed this short a time ago may change again without its times showing it, since the kernel's
 * clock for files ticks every few milliseconds; it is not remembered.
 */
const SETTLED_AFTER = 100;

/**
 * Remembers the content digests of a build context's files by path, inode, size and times, so that an unchanged file costs
 * a stat and no read. It is a memory only: when it is lost or unreadable, contents are hashed again.
 */
export class StatMemo {
  readonly #path: string;
  #table: DigestTable | undefined;
  #changed = false;
  readonly reading = { files: 0, bytes: 0 };

  /** @param folder Of all memos; each context has a file of its own there. */
  constructor(folder: string, context: string) {
    this.#path = join(folder, `${digestOf(context).slice(7, 39)}.memo`);
  }

  get remembered(): number {
    return this.#load().size;
  }

  /** SHA-256 in hex of the content of a file. */
  digestOf(
    file: Pick<SourceEntry, 'location' | 'ino' | 'size' | 'mtime' | 'ctime'>,
  ): string | Promise<string> {
    const table = this.#load();
    const { location, ino, size, mtime, ctime } = file;
    const key = hash('sha256', `${location}\0${ino} ${size} ${mtime} ${ctime}`, 'buffer');
    const known = table.get(key);
    if (known !== undefined) return known;
    this.reading.files++;
    this.reading.bytes += size;
    const now = Date.now();
    const hex = hashFile(location);
    if (now - ctime <= SETTLED_AFTER) return hex;
    const keep = (digest: string) => {
      table.add(key, digest);
      this.#changed = true;
      return digest;
    };
    return typeof hex === 'string' ? keep(hex) : hex.then(keep);
  }

  /** Writes down what is new. */
  async save(): Promise<void> {
    if (!this.#changed) return;
    await writeFileAtomic(this.#path, this.#load().toBytes(), { durable: false });
    this.#changed = false;
  }

  #load(): DigestTable {
    this.#table ??= new DigestTable(readIfThere(this.#path));
    return this.#table;
  }
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
