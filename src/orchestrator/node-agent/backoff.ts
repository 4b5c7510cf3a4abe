interface BackoffEntry {
  readonly delay: number;
  readonly updated: number;
}

/**
 * Delays that double from `initial` to `longest` milliseconds and start over after twice `longest` of quiet, counted as
 * the kubelet counts them (client-go, util/flowcontrol/backoff.go): the first failure is tried again at once.
 */
export class Backoff {
  readonly #initial: number;
  readonly #longest: number;
  readonly #entries = new Map<string, BackoffEntry>();

  constructor(initial: number, longest: number) {
    this.#initial = initial;
    this.#longest = longest;
  }

  /** When the wait that began with the failure at `failedAt` is over; undefined where there is no wait. */
  endOf(key: string, failedAt: number): number | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || this.#isOver(entry, failedAt)) return undefined;
    return failedAt + entry.delay;
  }

  /** The delay that applies to `key`, in milliseconds; 0 before any failure. */
  delayOf(key: string): number {
    return this.#entries.get(key)?.delay ?? 0;
  }

  /** To be called when trying again (or when it failed): the next wait is longer. */
  next(key: string, times: { readonly failedAt: number; readonly now: number }): void {
    const entry = this.#entries.get(key);
    const over = entry === undefined || this.#isOver(entry, times.failedAt);
    const delay = over ? this.#initial : Math.min(entry.delay * 2, this.#longest);
    this.#entries.set(key, { delay, updated: times.now });
  }

  reset(key: string): void {
    this.#entries.delete(key);
  }

  #isOver(entry: BackoffEntry, failedAt: number): boolean {
    return failedAt - entry.updated > 2 * this.#longest;
  }
}
