import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../errors/hawser-error.ts';
import type { NotificationEndpoint } from '../config/notifications-schema.ts';
import type { Logger } from '../log/logger.ts';
import type { StorageDriver, StorageLock } from '../storage/driver.ts';
import { eventsLockPath } from '../storage/paths.ts';
import type { RegistryEvent } from './event.ts';
import { EventSpool } from './event-spool.ts';

/** Milliseconds: how often the files of other servers on the volume are looked for, and the lock is tried. */
const POLL_INTERVAL = 5000;
const RETRY_PAUSE = 100;
/** Events that wait in memory while they cannot be written. */
const UNSAVED_LIMIT = 10_000;
const mediaType = 'application/vnd.docker.distribution.events.v2+json';

export interface EndpointCounts {
  events: number;
  delivered: number;
  failed: number;
}

export interface EndpointOptions {
  readonly settings: NotificationEndpoint;
  readonly driver: StorageDriver;
  readonly logger: Logger;
}

/**
 * Sends events to one URL: first to the spool, from there in order, until each was taken. Of several servers on a volume
 * one sends, whoever has the lock.
 */
export class Endpoint {
  readonly counts: EndpointCounts = { events: 0, delivered: 0, failed: 0 };
  readonly #options: EndpointOptions;
  readonly #spool: EventSpool;
  readonly #stop = new AbortController();
  #unsaved: RegistryEvent[] = [];
  #saving: Promise<void> | undefined;
  #endSleep: () => void = () => undefined;
  /** Whether something came since the last look. */
  #isWoken = false;
  #failures = 0;
  readonly #running: Promise<void>;

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#spool = new EventSpool(options.driver, options.settings.name);
    this.#running = this.#run();
  }

  get name(): string {
    return this.#options.settings.name;
  }

  /** Resolves when the event is in the spool, from where it is sent whatever happens to this process. */
  async add(event: RegistryEvent): Promise<void> {
    const { ignoredmediatypes, ignore } = this.#options.settings;
    const type = event.target.mediaType ?? '';
    if (ignoredmediatypes.includes(type) || ignore?.mediatypes.includes(type) === true) return;
    if (ignore?.actions.includes(event.action) === true) return;
    this.counts.events++;
    this.#unsaved.push(event);
    // What comes while a file is written goes into the next one.
    this.#saving ??= this.#save();
    await this.#saving;
    if (this.#unsaved.includes(event)) await (this.#saving ??= this.#save());
  }

  async close(): Promise<void> {
    await this.#saving;
    this.#stop.abort();
    this.#wake();
    await this.#running;
  }

  async #save(): Promise<void> {
    await undefined; // events of the same turn go together
    const events = this.#unsaved;
    this.#unsaved = [];
    try {
      await this.#spool.add(events);
    } catch (error) {
      this.#unsaved = [...events, ...this.#unsaved].slice(-UNSAVED_LIMIT);
      this.#options.logger.log('error', `keep events for ${this.name}: ${messageOf(error)}`);
    } finally {
      this.#saving = undefined;
    }
    this.#wake();
  }

  async #run(): Promise<void> {
    let lock: StorageLock | undefined;
    while (!this.#stop.signal.aborted) {
      let isIdle = true;
      try {
        lock ??= await this.#lock();
        if (this.#unsaved.length > 0) await (this.#saving ??= this.#save());
        if (lock !== undefined) isIdle = !(await this.#deliverAll());
      } catch (error) {
        this.#options.logger.log('error', `send events to ${this.name}: ${messageOf(error)}`);
      }
      if (isIdle) await this.#sleep(POLL_INTERVAL);
    }
    await lock?.release();
  }

  async #lock(): Promise<StorageLock | undefined> {
    const { driver, settings } = this.#options;
    const path = eventsLockPath(settings.name);
    if ((await driver.stat(path)) === undefined) await driver.write(path, '', { durable: false });
    return await driver.tryLock(path);
  }

  /** @returns whether there was something to send */
  async #deliverAll(): Promise<boolean> {
    const { names, dropped } = await this.#spool.list();
    if (dropped > 0) {
      this.#options.logger.log(
        'error',
        `${this.name} takes no events: ${dropped} files of them were given up`,
      );
    }
    for (const name of names) {
      const events = await this.#spool.read(name);
      while (events.length > 0 && !(await this.#post(events))) {
        await this.#pause();
        if (this.#stop.signal.aborted) return false;
      }
      await this.#spool.remove(name);
      if (this.#stop.signal.aborted) return false;
    }
    return names.length > 0;
  }

  async #post(events: readonly RegistryEvent[]): Promise<boolean> {
    const { settings, logger } = this.#options;
    const url = new URL(settings.url);
    const headers = new Headers({ 'Content-Type': mediaType });
    if (url.username !== '') {
      const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
      headers.set('Authorization', `Basic ${Buffer.from(credentials).toString('base64')}`);
      url.username = url.password = '';
    }
    for (const [name, values] of Object.entries(settings.headers)) {
      for (const value of values) headers.append(name, value);
    }
    // Not cut when the registry closes: what the other side took must not be sent again.
    const signal = AbortSignal.timeout(Math.max(1, settings.timeout));
    let problem: string;
    try {
      const body = JSON.stringify({ events });
      const response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' });
      await response.body?.cancel();
      if (response.status >= 200 && response.status < 400) {
        this.#failures = 0;
        this.counts.delivered += events.length;
        return true;
      }
      problem = `status ${response.status}`;
    } catch (error) {
      problem = messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
    }
    this.counts.failed += events.length;
    this.#failures++;
    logger.log('warn', `send events to ${this.name}: ${problem}`, { failures: this.#failures });
    return false;
  }

  /** After `threshold` failures in a row, `backoff` before each try. */
  async #pause(): Promise<void> {
    const { threshold, backoff } = this.#options.settings;
    const time = this.#failures > threshold ? Math.max(backoff, RETRY_PAUSE) : RETRY_PAUSE;
    await delay(time, undefined, { signal: this.#stop.signal, ref: false }).catch(() => undefined); // closing
  }

  #wake(): void {
    this.#isWoken = true;
    this.#endSleep();
  }

  async #sleep(time: number): Promise<void> {
    const early = new AbortController();
    this.#endSleep = () => early.abort();
    if (!this.#isWoken)
      await delay(time, undefined, { signal: early.signal, ref: false }).catch(() => undefined);
    this.#isWoken = false;
  }
}
