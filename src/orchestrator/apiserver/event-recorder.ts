import type { Event, ObjectReference } from '../../api/event.ts';
import type { ApiObject } from '../../api/object-meta.ts';
import { StatusError } from '../../api/status.ts';
import { timestampOf } from '../../api/timestamp.ts';
import { messageOf } from '../../errors/hawser-error.ts';
import type { ApiContext } from './api-context.ts';
import { createObject } from './registry/create-object.ts';
import { deleteObject } from './registry/delete-object.ts';
import { listObjects } from './registry/read-objects.ts';
import { updateObject } from './registry/update-object.ts';
import { events } from './resources/events.ts';

/** Milliseconds that an event is kept: kube-apiserver --event-ttl. */
const LIFETIME = 3_600_000;
const SWEEP_INTERVAL = 300_000;

export interface NewEvent {
  readonly object: ApiObject;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  /** Who tells it, e.g. `kubelet`. */
  readonly component: string;
  readonly host?: string;
  readonly fieldPath?: string;
}

/** Events that are remembered, so that a repeated one raises the count of the first. */
const MEMORY = 4096;

/** Two events with the same key say the same. */
function eventKey({ object, type, reason, message, component, fieldPath = '' }: NewEvent): string {
  return JSON.stringify([object.metadata.uid ?? '', type, reason, message, component, fieldPath]);
}

function referenceTo(
  { apiVersion, kind, metadata }: ApiObject,
  fieldPath: string | undefined,
): ObjectReference {
  const { name, namespace, uid, resourceVersion } = metadata;
  return {
    apiVersion,
    kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(fieldPath === undefined ? {} : { fieldPath }),
  };
}

function firstEvent(event: NewEvent, name: string, time: string): Event {
  const { object, type, reason, message, component, host } = event;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace: object.metadata.namespace ?? 'default' },
    involvedObject: referenceTo(object, event.fieldPath),
    type,
    reason,
    message,
    source: { component, ...(host === undefined ? {} : { host }) },
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
}

function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof StatusError) || error.status.code !== 404) throw error;
}

/** Writes events, one after the other so that they keep their order; nobody has to wait for it. */
export class EventRecorder {
  readonly #context: ApiContext;
  readonly #log: (message: string) => void;
  #queue: Promise<void> = Promise.resolve();
  #swept = 0;
  #last = 0n;
  /** Names by key. */
  readonly #names = new Map<string, string>();

  constructor(context: ApiContext, log: (message: string) => void) {
    this.#context = context;
    this.#log = log;
  }

  record(event: NewEvent): void {
    const time = timestampOf(this.#context.now());
    this.#queue = this.#queue
      .then(() => this.#write(event, time))
      .catch((error: unknown) => {
        // Its namespace is going, or gone.
        if (!(error instanceof StatusError)) this.#log(`event ${event.reason}: ${messageOf(error)}`);
      });
  }

  /** Resolves when all that was recorded is written. */
  async drain(): Promise<void> {
    await this.#queue;
  }

  async #write(event: NewEvent, time: string): Promise<void> {
    await this.#sweep();
    const key = eventKey(event);
    const known = this.#names.get(key);
    if (known !== undefined && (await this.#repeat(event, known, time))) return;
    const name = this.#newName(event);
    await createObject(this.#context, events, firstEvent(event, name, time));
    this.#names.set(key, name);
    const [oldest] = this.#names.keys();
    if (this.#names.size > MEMORY && oldest !== undefined) this.#names.delete(oldest);
  }

  /** Raises the count. False where the first one is gone. */
  async #repeat(event: NewEvent, name: string, time: string): Promise<boolean> {
    const namespace = event.object.metadata.namespace ?? 'default';
    const change = (current: ApiObject): ApiObject => {
      const old = current as Event;
      const repeated: Event = { ...old, count: (old.count ?? 1) + 1, lastTimestamp: time };
      return repeated;
    };
    const updated = updateObject(this.#context, events, { namespace, name }, { change });
    return (await updated.catch(ignoreMissing)) !== undefined;
  }

  /** With a number that grows, so that events are listed in their order. */
  #newName({ object }: NewEvent): string {
    const now = BigInt(this.#context.now()) * 1_000_000n;
    this.#last = now > this.#last ? now : this.#last + 1n;
    // A name has at most 253 characters.
    return `${object.metadata.name.slice(0, 236)}.${this.#last.toString(16)}`;
  }

  /** Removes events that nobody needs any more. */
  async #sweep(): Promise<void> {
    const now = this.#context.now();
    if (now - this.#swept < SWEEP_INTERVAL) return;
    this.#swept = now;
    const { items } = await listObjects(this.#context, events, { namespace: undefined });
    for (const item of items as readonly Event[]) {
      const last = Date.parse(item.lastTimestamp ?? item.metadata.creationTimestamp ?? '');
      if (now - last <= LIFETIME) continue;
      const { namespace, name } = item.metadata;
      await deleteObject(this.#context, events, { namespace, name }).catch(ignoreMissing);
    }
  }
}
