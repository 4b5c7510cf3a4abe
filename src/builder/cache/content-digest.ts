import { createHash, type Hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { digestOf } from '../../image/digest.ts';
import type { SourceEntry, SourceListing } from '../execute/copy/source-entry.ts';
import { SourceRecord } from '../execute/copy/source-record.ts';

/** What was read of files to hash them. */
export interface ReadingCount {
  files: number;
  bytes: number;
}

export interface ContentHasher {
  /** SHA-256 in hex of the content of a file; of nothing for one that is gone by now. */
  digestOf(file: SourceEntry): string | Promise<string>;
  /** What was read so far; what is remembered costs no reading. */
  readonly reading?: Readonly<ReadingCount>;
  /** Of how many files it knew the content before. */
  readonly remembered?: number;
}

export interface ContentSummary {
  /** SHA-256 in hex. */
  readonly digest: string;
  /** As `SourceRecord` has it. */
  readonly fingerprint: string;
  readonly entries: number;
  /** Bytes of all files. */
  readonly size: number;
}

/** From here on the reading of contents takes long. */
const longReading: ReadingCount = { files: 300, bytes: 8 * 1024 * 1024 };

/** So many entries take longer to list than a thread takes to start. */
const manyEntries = 1000;

/** Milliseconds after which others get their turn. */
const turn = 20;

/**
 * What COPY's result depends on of its sources: name, kind, mode, owner, size, link target, capability and content of
 * each entry, and which names share a file. Not the times.
 */
export async function summarise(
  listings: Iterable<SourceListing>,
  hasher: ContentHasher,
  /** Is told how many bytes were read, when contents that nobody remembers take long to read, and then now and again. */
  onReading?: (bytes: number) => void,
): Promise<ContentSummary> {
  const digester = new ContentDigester(hasher, onReading);
  for (const listing of listings) await digester.add(listing);
  return digester.summary();
}

class ContentDigester {
  readonly #hasher: ContentHasher;
  readonly #hash: Hash = createHash('sha256');
  readonly #record = new SourceRecord();
  readonly #groups = new Map<string, number>();
  #until = Date.now() + turn;

  readonly #onReading: ((bytes: number) => void) | undefined;
  #isSlow = false;
  #inFolder = false;
  readonly #readBefore: ReadingCount;

  constructor(hasher: ContentHasher, onReading: ((bytes: number) => void) | undefined) {
    this.#hasher = hasher;
    this.#onReading = onReading;
    this.#readBefore = { ...(hasher.reading ?? { files: 0, bytes: 0 }) };
  }

  async add(listing: SourceListing): Promise<void> {
    this.#groups.clear();
    this.#inFolder = listing.top.type === 'folder';
    this.#hash.update(JSON.stringify([listing.name]));
    await this.#entry(listing.top);
    for (const entry of listing.below()) {
      const waiting = this.#entry(entry);
      if (waiting !== undefined) await waiting;
      if (!this.#isSlow) this.#tellReading();
      if (Date.now() > this.#until) {
        if (this.#isSlow) this.#tellReading();
        await setImmediate();
        this.#until = Date.now() + turn;
      }
    }
    // No listing ends within the next one.
    this.#hash.update('[]');
  }

  #tellReading(): void {
    const { reading } = this.#hasher;
    if (this.#onReading === undefined || reading === undefined) return;
    const { files, bytes } = this.#readBefore;
    const read = reading.bytes - bytes;
    const readFiles = reading.files - files;
    const isLong = readFiles >= longReading.files || read >= longReading.bytes;
    // One file that is not remembered makes a key that was not there, for all that go along with it.
    const expected = this.#inFolder ? (this.#hasher.remembered ?? 0) : 0;
    const entries = Math.max(this.#record.entries, expected);
    this.#isSlow ||= isLong || (readFiles > 0 && entries >= manyEntries);
    if (this.#isSlow) this.#onReading(read);
  }

  summary(): ContentSummary {
    const { entries, size } = this.#record;
    return { digest: this.#hash.digest('hex'), fingerprint: this.#record.fingerprint(), entries, size };
  }

  /** A promise only where there is something to wait for: most contents are known. */
  #entry(entry: SourceEntry): Promise<void> | undefined {
    this.#record.add(entry);
    const content = this.#contentOf(entry);
    if (typeof content !== 'string') return content.then(known => this.#update(entry, known));
    this.#update(entry, content);
    return undefined;
  }

  #update(entry: SourceEntry, content: string): void {
    this.#hash.update(JSON.stringify([...describe(entry), this.#groupOf(entry), content]));
  }

  /** Names of one file get one number, so that a copy and a link are told apart. */
  #groupOf(entry: SourceEntry): number {
    if (entry.inode === undefined) return -1;
    const known = this.#groups.get(entry.inode);
    if (known !== undefined) return known;
    this.#groups.set(entry.inode, this.#groups.size);
    return -1;
  }

  #contentOf(entry: SourceEntry): string | Promise<string> {
    if (entry.type !== 'file') return '';
    return entry.inline === undefined ? this.#hasher.digestOf(entry) : digestOf(entry.inline);
  }
}

function describe(entry: SourceEntry): readonly unknown[] {
  const { type, path, mode, uid, gid, size, link, device, capability, implied } = entry;
  const attribute = capability === undefined ? '' : Buffer.from(capability).toString('hex');
  return [type, path, mode, uid, gid, size, link ?? '', device ?? 0, attribute, implied === true];
}
