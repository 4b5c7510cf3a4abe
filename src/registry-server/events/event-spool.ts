import { randomUUID } from 'node:crypto';
import type { StorageDriver } from '../storage/driver.ts';
import { eventsPath } from '../storage/paths.ts';
import type { RegistryEvent } from './event.ts';

/** Files that wait for an endpoint; then the oldest are given up. Each has what came in about the same moment. */
const FILE_LIMIT = 10_000;
const FILE_SIZE_LIMIT = 64 << 20;

/**
 * Events that wait for an endpoint, in files on the volume: they outlive the process. Written by rename, not flushed: an
 * event survives `kill -9`, and is lost with the power.
 */
export class EventSpool {
  readonly #driver: StorageDriver;
  readonly #folder: string;
  #count = 0;

  constructor(driver: StorageDriver, endpoint: string) {
    this.#driver = driver;
    this.#folder = eventsPath(endpoint);
  }

  async add(events: readonly RegistryEvent[]): Promise<void> {
    const order = `${String(Date.now()).padStart(15, '0')}-${String(this.#count++).padStart(10, '0')}`;
    const path = `${this.#folder}/${order}-${randomUUID()}.json`;
    await this.#driver.write(path, JSON.stringify(events), { durable: false });
  }

  /** The names of the files, the oldest first; the number of those that were given up. */
  async list(): Promise<{ readonly names: readonly string[]; readonly dropped: number }> {
    const names = (await this.#driver.list(this.#folder)).filter(name => name.endsWith('.json'));
    const excess = names.slice(0, Math.max(0, names.length - FILE_LIMIT));
    for (const name of excess) await this.remove(name);
    return { names: names.slice(excess.length), dropped: excess.length };
  }

  /** None where the file is gone, or was not written to its end. */
  async read(name: string): Promise<readonly RegistryEvent[]> {
    const bytes = await this.#driver.readSmall(`${this.#folder}/${name}`, FILE_SIZE_LIMIT);
    if (bytes === undefined) return [];
    try {
      return JSON.parse(bytes.toString('utf8')) as RegistryEvent[];
    } catch {
      return []; // cut by a crash of the machine
    }
  }

  async remove(name: string): Promise<void> {
    await this.#driver.remove(`${this.#folder}/${name}`, { durable: false });
  }
}
