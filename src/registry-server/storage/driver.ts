/*
 * What a registry needs of the medium that holds its volume, as two small interfaces. Paths are relative, with `/`, and
 * come from `paths.ts` alone, which builds them from parsed names and digests.
 */

export interface StoredInfo {
  readonly kind: 'file' | 'folder';
  /** Bytes; 0 for folders. */
  readonly size: number;
  /**
   * Milliseconds since 1970 of the last write to a file, or of the last change of the names in a folder; 0 for folders of a
   * medium that does not tell.
   */
  readonly modified: number;
}

export interface ReadOptions {
  /** First byte; default 0. */
  readonly start?: number;
  /** First byte that is not wanted any more; default the end. */
  readonly end?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface StorageReader {
  /** Undefined where there is nothing at `path`; the empty path is the volume itself. */
  stat(path: string): Promise<StoredInfo | undefined>;
  /**
   * The bytes of a file in large chunks. A chunk is valid until the next one is asked for: its memory is used again. The
   * caller iterates or ends the generator: it holds the file.
   *
   * @throws HawserError NOT_FOUND
   */
  read(path: string, options?: ReadOptions): Promise<AsyncGenerator<Uint8Array, void>>;
  /** A small file as a whole; undefined where there is none or where it is longer than `maxSize` bytes. */
  readSmall(path: string, maxSize: number): Promise<Buffer | undefined>;
  /** The names in a folder, in the order of their bytes; none where there is no such folder. */
  list(path: string): Promise<readonly string[]>;
}

export interface DurabilityOptions {
  /** Whether the change must survive a power cut once the call has returned; default true. */
  readonly durable?: boolean;
}

/** Lets a file appear after other changes, though it is written beside them. */
export interface OrderOptions {
  /** What must be done before the file gets its name; it gets none when this fails. */
  readonly after?: Promise<unknown>;
}

interface StorageWriter {
  /** Replaces a file as a whole; after a crash it has the old content or the new one. */
  write(
    path: string,
    content: Uint8Array | string,
    options?: DurabilityOptions & OrderOptions,
  ): Promise<void>;
  /**
   * Writes what `source` yields behind the first `offset` bytes of a file, which is made where it is missing, and drops
   * what stood there. Chunks belong to the storage once they are yielded. When `source` fails, what it yielded stays;
   * when the medium fails (NO_SPACE), the file is cut back to `offset`. Not durable before `move`.
   *
   * @returns the size of the file
   */
  append(path: string, source: AsyncIterable<Uint8Array>, offset: number): Promise<number>;
  /**
   * Gives a file another name, replacing what has it; flushed before, unless it need not be durable.
   *
   * @throws HawserError NOT_FOUND
   */
  move(from: string, to: string, options?: OrderOptions & DurabilityOptions): Promise<void>;
  /** Removes a file, or a folder with all in it, at once where the medium can; nothing there is fine. */
  remove(path: string, options?: DurabilityOptions): Promise<void>;
  /**
   * Removes a folder and those above it, up to and without `top`, as long as they are empty. Some media have no empty
   * folders: there is nothing to do there.
   */
  prune(path: string, top: string): Promise<void>;
}

export interface StorageLock {
  release(): Promise<void>;
}

interface StorageLocks {
  /**
   * Takes the lock that is named after a file, which exists; gone with the process that holds it.
   *
   * @returns undefined where it is held already, by this process or another one on the same volume
   * @throws HawserError NOT_FOUND
   */
  tryLock(path: string): Promise<StorageLock | undefined>;
}

/** A medium that clients may read from themselves. */
export interface StorageURLs {
  /** A URL for some minutes, which whoever has it may read the file with. */
  urlOf(path: string): Promise<string>;
}

export function hasURLs(driver: StorageDriver): driver is StorageDriver & StorageURLs {
  return 'urlOf' in driver;
}

export interface PageOptions {
  /** The name that the page begins behind; empty for the first one. */
  readonly after: string;
  readonly count: number;
}

export interface NamesPage {
  readonly names: readonly string[];
  readonly hasMore: boolean;
}

/** A medium that lists a part of a folder for less than the whole. */
export interface StoragePages {
  /** Names in a folder, in the order of their bytes. */
  page(path: string, options: PageOptions): Promise<NamesPage>;
}

export function hasPages(driver: StorageDriver): driver is StorageDriver & StoragePages {
  return 'page' in driver;
}

/** A medium where it costs much to make folders and to remove them: those that uploads leave serve the next ones. */
export interface StorageReuse {
  /** Takes a folder away for `revive`, or removes it: where it has more in it than `file`, or where enough are kept. */
  retire(folder: string, file: string): Promise<void>;
  /**
   * Makes a folder with a file in it of one that was retired; both appear at once, not durably.
   *
   * @returns whether there was one
   */
  revive(folder: string, file: string, content: string): Promise<boolean>;
}

export function canReuse(driver: StorageDriver): driver is StorageDriver & StorageReuse {
  return 'revive' in driver;
}

interface StorageLife {
  /** Lets go of connections, and of what is kept for later. */
  close?(): Promise<void> | void;
}

export type StorageDriver = StorageReader & StorageWriter & StorageLocks & StorageLife;
