import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import type { ApiObject } from '../../../src/api/object-meta.ts';
import { isHawserError } from '../../../src/errors/hawser-error.ts';
import type { ObjectStore, StoreEvent } from '../../../src/orchestrator/store/object-store.ts';

export const object = (name: string, label = 'a'): ApiObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { label } },
});

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** What every store must do; `open` gives an empty one. */
export function describeStore(title: string, open: () => Promise<ObjectStore>): void {
  describe(`object store: ${title}`, () => {
    let store: ObjectStore;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    it('creates, reads, updates and deletes under one revision', async () => {
      const a = await store.write({ kind: 'create', key: '/registry/pods/default/a', value: object('a') });
      const b = await store.write({ kind: 'create', key: '/registry/pods/default/b', value: object('b') });
      expect(b.revision).to.equal(a.revision + 1);
      const changed = await store.write({
        kind: 'update',
        key: a.key,
        value: object('a', 'b'),
        expected: a.revision,
      });
      expect(await store.get(a.key)).to.deep.equal(changed);
      await store.write({ kind: 'delete', key: a.key, expected: changed.revision });
      expect(await store.get(a.key)).to.equal(undefined);
      const listed = await store.list('/registry/pods/');
      expect(listed.items).to.deep.equal([b]);
      expect(listed.revision).to.equal(b.revision + 2);
    });

    it('refuses what does not fit', async () => {
      const key = '/registry/pods/default/a';
      const { revision } = await store.write({ kind: 'create', key, value: object('a') });
      const exists = await failure(store.write({ kind: 'create', key, value: object('a') }));
      expect(isHawserError(exists, 'ALREADY_EXISTS')).to.equal(true);
      const conflict = await failure(
        store.write({ kind: 'update', key, value: object('a'), expected: revision + 7 }),
      );
      expect(isHawserError(conflict, 'CONFLICT')).to.equal(true);
      const missing = await failure(
        store.write({ kind: 'delete', key: '/registry/pods/default/x', expected: 1 }),
      );
      expect(isHawserError(missing, 'NOT_FOUND')).to.equal(true);
      expect((await store.list('/')).revision).to.equal(revision);
    });

    it('lists below a prefix in the order of keys', async () => {
      for (const key of [
        '/registry/pods/b/1',
        '/registry/pods/a/2',
        '/registry/podsx/a/1',
        '/registry/pods/a/1',
      ]) {
        await store.write({ kind: 'create', key, value: object('x') });
      }
      const keys = async (prefix: string) => (await store.list(prefix)).items.map(item => item.key);
      expect(await keys('/registry/pods/')).to.deep.equal([
        '/registry/pods/a/1',
        '/registry/pods/a/2',
        '/registry/pods/b/1',
      ]);
      expect(await keys('/registry/pods/a/')).to.deep.equal(['/registry/pods/a/1', '/registry/pods/a/2']);
    });

    it('lets exactly one of several writers win', async () => {
      const key = '/registry/pods/default/a';
      const { revision } = await store.write({ kind: 'create', key, value: object('a') });
      const results = await Promise.allSettled(
        Array.from({ length: 8 }, (_, index) =>
          store.write({ kind: 'update', key, value: object('a', String(index)), expected: revision }),
        ),
      );
      expect(results.filter(({ status }) => status === 'fulfilled').length).to.equal(1);
    });

    it('tells watchers only what can be read', async () => {
      const { revision } = await store.list('/');
      const abort = new AbortController();
      const read: number[] = [];
      const watching = (async () => {
        for await (const _ of store.watch('/', { after: revision, signal: abort.signal })) {
          read.push((await store.list('/registry/pods/watched/')).items.length);
          if (read.length === 5) abort.abort();
        }
      })();
      for (const name of ['a', 'b', 'c', 'd', 'e']) {
        // A store that is left alone keeps what it last read in mind.
        await delay(20);
        await store.write({ kind: 'create', key: `/registry/pods/watched/${name}`, value: object(name) });
      }
      await watching;
      expect(read).to.deep.equal([1, 2, 3, 4, 5]);
    });

    it('shows watchers every write after a revision, in order', async () => {
      const first = await store.write({
        kind: 'create',
        key: '/registry/pods/default/a',
        value: object('a'),
      });
      const abort = new AbortController();
      const seen: StoreEvent[] = [];
      const watching = (async () => {
        for await (const event of store.watch('/registry/pods/', {
          after: first.revision - 1,
          signal: abort.signal,
        })) {
          seen.push(event);
          if (seen.length === 4) abort.abort();
        }
      })();
      const changed = await store.write({
        kind: 'update',
        key: first.key,
        value: object('a', 'b'),
        expected: first.revision,
      });
      await store.write({ kind: 'create', key: '/registry/nodes/n', value: object('n') });
      await store.write({ kind: 'delete', key: first.key, expected: changed.revision });
      await store.write({ kind: 'create', key: '/registry/pods/default/c', value: object('c') });
      await watching;
      expect(seen.map(({ type, object: { key } }) => `${type} ${key.split('/').at(-1)}`)).to.deep.equal([
        'ADDED a',
        'MODIFIED a',
        'DELETED a',
        'ADDED c',
      ]);
      expect(seen[2]?.previous?.metadata.labels).to.deep.equal({ label: 'b' });
    });
  });
}
