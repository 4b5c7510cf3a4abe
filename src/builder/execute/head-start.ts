import type { FileState } from './file-state.ts';
import type { ExecuteOptions, Operation, Result } from './operation.ts';

/** Work on a result that the cache may turn out to have: where reading the sources for their key takes long. */
export class HeadStart {
  readonly #own = new AbortController();
  readonly #result: Promise<Result>;

  constructor(operation: Operation, inputs: readonly FileState[], options: ExecuteOptions) {
    const signal = AbortSignal.any([options.signal, this.#own.signal]);
    this.#result = operation.execute(inputs, { ...options, signal });
    this.#result.catch(() => undefined); // who finishes it meets the failure
  }

  finish(): Promise<Result> {
    return this.#result;
  }

  /** Stops it; resolves when nothing of it is left. */
  async abandon(): Promise<void> {
    this.#own.abort(new Error('its result is cached'));
    await this.#result.catch(() => undefined);
  }
}
