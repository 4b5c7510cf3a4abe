import { eventOfWrite } from './check-write.ts';
import type { ObjectStore, StoredObject, StoreEvent } from './object-store.ts';
import { WatchLog } from './watch-log.ts';

/** A store that is gone with its process, for tests. */
export function createMemoryStore(options: { readonly logLimit?: number } = {}): ObjectStore {
  const objects = new Map<string, StoredObject>();
  const log = new WatchLog(0, options.logLimit);
  let revision = 0;
  return {
    get: async key => objects.get(key),
    list: async prefix => ({
      items: [...objects.values()]
        .filter(({ key }) => key.startsWith(prefix))
        .sort((a, b) => (a.key < b.key ? -1 : 1)),
      revision,
    }),
    async write(write) {
      const event: StoreEvent = eventOfWrite(write, objects.get(write.key), revision + 1);
      revision++;
      if (event.type === 'DELETED') objects.delete(write.key);
      else objects.set(write.key, event.object);
      log.append(event);
      return event.object;
    },
    watch: (prefix, watch) => log.watch(prefix, watch),
    close: async () => undefined,
  };
}
