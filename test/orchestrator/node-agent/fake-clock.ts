import type { Clock } from '../../../src/orchestrator/node-agent/clock.ts';

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/** A clock that stands still until it is put forward. */
export class FakeClock implements Clock {
  #now = Date.parse('2026-01-01T00:00:00Z');
  readonly #sleepers = new Set<Sleeper>();

  now(): number {
    return this.#now;
  }

  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      if (signal.aborted || milliseconds <= 0) {
        // A turn of the event loop, so that what happens meanwhile is seen.
        setImmediate(resolve);
        return;
      }
      const sleeper: Sleeper = {
        until: this.#now + milliseconds,
        wake: () => {
          this.#sleepers.delete(sleeper);
          signal.removeEventListener('abort', sleeper.wake);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal.addEventListener('abort', sleeper.wake, { once: true });
    });
  }

  /** Puts the clock forward, second by second, and lets what wakes up do its work. */
  async advance(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      this.#now += 1000;
      for (const sleeper of this.#sleepers) if (sleeper.until <= this.#now) sleeper.wake();
      await settle();
    }
  }
}

/** Whether files are being read or written: that takes real time, of which a turn of the event loop knows nothing. */
function isBusy(): boolean {
  return process.getActiveResourcesInfo().some(name => name.startsWith('FSReq') || name === 'CloseReq');
}

/** Lets everything that needs no time come to rest. */
export async function settle(): Promise<void> {
  for (let quiet = 0; quiet < 40; quiet = isBusy() ? 0 : quiet + 1)
    await new Promise(resolve => setImmediate(resolve));
}
