import type { StorageReader } from './driver.ts';

/**
 * Milliseconds that a folder must have been at rest before what it has is remembered: two changes in one tick of a file
 * system's clock cannot be told apart, and the coarsest ticks are two seconds long.
 */
const REST = 3000;

interface Entry<Value> {
  readonly version: string;
  readonly value: Value;
  readonly weight: number;
}

export interface Computed<Value> {
  readonly value: Value;
  /** What it counts against the limit of the cache. */
  readonly weight: number;
}

/**
 * What was computed from the names in some folders, for as long as the folders do not change; other processes change them
 * too, so that each is looked at every time. Folders of a medium that does not tell when they changed are read each time.
 */
export class FolderCache<Value> {
  readonly #reader: StorageReader;
  readonly #limit: number;
  readonly #entries = new Map<string, Entry<Value>>();
  #weight = 0;

  constructor(reader: StorageReader, limit: number) {
    this.#reader = reader;
    this.#limit = limit;
  }

  /** @param folders The first one is the key. */
  async get(folders: readonly string[], compute: () => Promise<Computed<Value>>): Promise<Value> {
    const [key = ''] = folders;
    const before = await this.#versionOf(folders);
    const known = this.#entries.get(key);
    if (known !== undefined && known.version === before) {
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return known.value;
    }
    const { value, weight } = await compute();
    this.#forget(key);
    if (before !== undefined && weight <= this.#limit / 4)
      this.#remember(key, { version: before, value, weight });
    return value;
  }

  /** Undefined where a folder changed just now, or where it cannot be told when it did. */
  async #versionOf(folders: readonly string[]): Promise<string | undefined> {
    const latest = Date.now() - REST;
    const infos = await Promise.all(folders.map(folder => this.#reader.stat(folder)));
    const times = infos.map(info => (info === undefined ? -1 : info.modified));
    return times.some(time => time === 0 || time > latest) ? undefined : times.join();
  }

  #remember(key: string, entry: Entry<Value>): void {
    this.#entries.set(key, entry);
    this.#weight += entry.weight;
    for (const oldest of this.#entries.keys()) {
      if (this.#weight <= this.#limit) break;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    this.#weight -= this.#entries.get(key)?.weight ?? 0;
    this.#entries.delete(key);
  }
}
