import { mkdir } from 'node:fs/promises';
import type { ApiObject } from '../../api/object-meta.ts';
import { HawserError } from '../../errors/hawser-error.ts';
import { eventOfWrite } from './check-write.ts';
import type { ObjectStore, StoredObject, StoreEvent } from './object-store.ts';
import { WatchLog } from './watch-log.ts';

interface StoredValue {
  readonly revision: number;
  readonly value: ApiObject;
}

const revisionKey = 'revision';

/**
 * Objects in an lmdb environment in `folder`: JSON by key, one revision. A write is one transaction, flushed before it
 * counts, so that `kill -9` and a power cut lose nothing that was answered. One process at a time serves a folder: the
 * watch log lives in its memory, and a watch from before its start is told to list again.
 *
 * @throws HawserError CONFLICT where another process has it
 */
export async function openLmdbStore(folder: string): Promise<ObjectStore> {
  await mkdir(folder, { recursive: true });
  const { lockFile } = await import('../../util/file-lock.ts');
  const lock = await lockFile(`${folder}/owner.lock`, { timeout: 0 }).catch((cause: unknown) => {
    throw new HawserError('CONFLICT', `another cluster has ${folder}`, {
      cause,
      remedy: 'Stop it: hawser cluster down.',
    });
  });
  const { open } = await import('lmdb');
  const environment = open({ path: folder, noSubdir: false, maxDbs: 2, encoding: 'json' });
  const objects = environment.openDB<StoredValue, string>({ name: 'objects', encoding: 'json' });
  const meta = environment.openDB<number, string>({ name: 'meta', encoding: 'json' });
  const log = new WatchLog(meta.get(revisionKey) ?? 0);
  /** Written and not yet flushed, in order: whoever watches may look only at what can be read and stays. */
  let unflushed: StoreEvent[] = [];
  const tellUpTo = (revision: number) => {
    const told = unflushed.filter(({ object }) => object.revision <= revision);
    unflushed = unflushed.slice(told.length);
    for (const event of told) log.append(event);
  };
  const read = (key: string): StoredObject | undefined => {
    const found = objects.get(key);
    return found === undefined ? undefined : { key, ...found };
  };
  return {
    get: async key => read(key),
    async list(prefix) {
      const items: StoredObject[] = [];
      for (const { key, value } of objects.getRange({ start: prefix, end: `${prefix}\uffff` }))
        items.push({ key, ...value });
      return { items, revision: meta.get(revisionKey) ?? 0 };
    },
    async write(write) {
      let failure: unknown;
      let event: StoreEvent | undefined;
      await environment.transaction(() => {
        try {
          const revision = (meta.get(revisionKey) ?? 0) + 1;
          event = eventOfWrite(write, read(write.key), revision);
          if (event.type === 'DELETED') void objects.remove(write.key);
          else void objects.put(write.key, { revision, value: event.object.value });
          void meta.put(revisionKey, revision);
          unflushed.push(event);
        } catch (error) {
          failure = error;
        }
      });
      await environment.flushed;
      if (event === undefined) throw failure;
      tellUpTo(event.object.revision);
      return event.object;
    },
    watch: (prefix, watch) => log.watch(prefix, watch),
    async close() {
      await environment.close();
      await lock.release();
    },
  };
}
