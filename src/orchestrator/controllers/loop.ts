import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../errors/hawser-error.ts';
import type { ApiContext } from '../apiserver/api-context.ts';
import { watchObjects } from '../apiserver/registry/watch-objects.ts';
import type { ResourceDefinition } from '../apiserver/resource-definition.ts';

export interface LoopOptions {
  readonly name: string;
  readonly context: ApiContext;
  /** Changes of these wake it. */
  readonly kinds: readonly ResourceDefinition[];
  /** Looks at the whole state and mends it; called again after every change, never twice at once. */
  readonly work: () => Promise<void>;
  readonly log: (message: string) => void;
}

export interface RunningLoop {
  close(): Promise<void>;
}

const RETRY = 1000;

async function watchKind(
  options: LoopOptions,
  kind: ResourceDefinition,
  handle: { readonly signal: AbortSignal; readonly wake: () => void },
): Promise<void> {
  const { signal, wake } = handle;
  while (!signal.aborted) {
    try {
      const events = watchObjects(options.context, kind, { namespace: undefined, after: undefined, signal });
      for await (const _ of events) wake();
    } catch (error) {
      // Too far behind: the next watch begins with a list.
      options.log(`${options.name}: ${messageOf(error)}`);
      await delay(RETRY, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** A level-triggered loop: woken by any change, it looks at what is, not at what has changed. */
export function startLoop(options: LoopOptions): RunningLoop {
  const stop = new AbortController();
  const { signal } = stop;
  let due = true;
  let notify = () => {};
  const wake = () => {
    due = true;
    notify();
  };
  const working = (async () => {
    while (!signal.aborted) {
      if (!due) {
        await new Promise<void>(resolve => {
          notify = resolve;
        });
        continue;
      }
      due = false;
      try {
        await options.work();
      } catch (error) {
        options.log(`${options.name}: ${messageOf(error)}`);
        due = true;
        await delay(RETRY, undefined, { signal }).catch(() => undefined);
      }
    }
  })();
  const watching = options.kinds.map(kind => watchKind(options, kind, { signal, wake }));
  return {
    async close() {
      stop.abort();
      wake();
      await Promise.all([working, ...watching]);
    },
  };
}
