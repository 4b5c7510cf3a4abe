import { HawserError } from '../../errors/hawser-error.ts';
import type { StoreEvent, WatchOptions } from './object-store.ts';

/** The last events of a store, and those who wait for more of them. */
export class WatchLog {
  readonly #limit: number;
  #events: StoreEvent[] = [];
  /** Events up to and with this revision are not kept. */
  #compacted: number;
  readonly #waiting = new Set<() => void>();

  /** @param start The revision of the store when it was opened: what came before is not known. */
  constructor(start: number, limit = 10_000) {
    this.#compacted = start;
    this.#limit = limit;
  }

  append(event: StoreEvent): void {
    this.#events.push(event);
    if (this.#events.length > this.#limit * 1.1) {
      const dropped = this.#events.length - this.#limit;
      this.#compacted = this.#events[dropped - 1]?.object.revision ?? this.#compacted;
      this.#events = this.#events.slice(dropped);
    }
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** Index of the first event after a revision; the events are in order of their revisions. */
  #indexAfter(revision: number): number {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.object.revision ?? 0) > revision) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #next(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const done = () => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  /** @throws HawserError UNAVAILABLE, `detail: 'compacted'` */
  async *watch(prefix: string, options: WatchOptions): AsyncGenerator<StoreEvent, void> {
    let seen = options.after;
    while (!options.signal.aborted) {
      if (seen < this.#compacted) {
        throw new HawserError('UNAVAILABLE', `events after revision ${seen} are no longer kept`, {
          detail: 'compacted',
        });
      }
      const events = this.#events.slice(this.#indexAfter(seen));
      if (events.length === 0) {
        await this.#next(options.signal);
        continue;
      }
      for (const event of events) {
        if (options.signal.aborted) return;
        seen = event.object.revision;
        if (event.object.key.startsWith(prefix)) yield event;
      }
    }
  }
}
