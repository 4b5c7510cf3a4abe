import { randomUUID } from 'node:crypto';
import type { NotificationEndpoint } from '../config/notifications-schema.ts';
import type { Logger } from '../log/logger.ts';
import type { NotifiedEvent } from '../registry-context.ts';
import type { StorageDriver } from '../storage/driver.ts';
import { Endpoint } from './endpoint.ts';
import { makeEvent } from './event.ts';

/** Tells every endpoint of `notifications` what is done. */
export class Notifier {
  readonly endpoints: readonly Endpoint[];
  readonly #source: { addr: string; readonly instanceID: string } = { addr: '', instanceID: randomUUID() };

  constructor(
    settings: readonly NotificationEndpoint[],
    options: { readonly driver: StorageDriver; readonly logger: Logger },
  ) {
    const active = settings.filter(({ disabled }) => !disabled);
    this.endpoints = active.map(each => new Endpoint({ settings: each, ...options }));
  }

  /** Host and port that events say they come from. */
  set address(address: string) {
    this.#source.addr = address;
  }

  async notify({ action, target, request, user }: NotifiedEvent): Promise<void> {
    const event = makeEvent(action, target, { request, user, source: this.#source });
    await Promise.all(this.endpoints.map(endpoint => endpoint.add(event)));
  }

  async close(): Promise<void> {
    await Promise.all(this.endpoints.map(endpoint => endpoint.close()));
  }
}
