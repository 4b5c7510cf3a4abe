import { messageOf } from '../../errors/hawser-error.ts';
import type { Logger } from '../log/logger.ts';

export interface PeriodicOptions {
  readonly name: string;
  /** Milliseconds before the first run, and from the end of one to the next. */
  readonly delay: number;
  readonly interval: number;
  readonly logger: Logger;
}

/** Does something again and again, never twice at once; a failure is logged, and the next run tries again. */
export class Periodic {
  readonly #work: (signal: AbortSignal) => Promise<void>;
  readonly #options: PeriodicOptions;
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: PeriodicOptions, work: (signal: AbortSignal) => Promise<void>) {
    this.#options = options;
    this.#work = work;
    this.#schedule(options.delay);
  }

  /** Ends the run that is under way. */
  async close(): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }

  #schedule(delay: number): void {
    if (this.#stop.signal.aborted) return;
    this.#timer = setTimeout(() => (this.#running = this.#run()), delay).unref();
  }

  async #run(): Promise<void> {
    const { name, logger, interval } = this.#options;
    try {
      await this.#work(this.#stop.signal);
    } catch (error) {
      if (!this.#stop.signal.aborted) logger.log('error', `${name}: ${messageOf(error)}`);
    }
    this.#schedule(interval);
  }
}
