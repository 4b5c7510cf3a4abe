import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { isHawserError } from '../../../src/errors/hawser-error.ts';
import { openLmdbStore } from '../../../src/orchestrator/store/lmdb-store.ts';
import { createMemoryStore } from '../../../src/orchestrator/store/memory-store.ts';
import { describeStore, object } from './conformance.ts';

const folders: string[] = [];
async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'hawser-store-'));
  folders.push(made);
  return made;
}

after(() => Promise.all(folders.map(path => rm(path, { recursive: true }))));

describeStore('memory', async () => createMemoryStore());
describeStore('lmdb', async () => openLmdbStore(await folder()));

describe('object store: watch log', () => {
  it('tells who comes too late that events are gone', async () => {
    const store = createMemoryStore({ logLimit: 10 });
    for (let index = 0; index < 30; index++) {
      await store.write({ kind: 'create', key: `/registry/pods/default/${index}`, value: object('x') });
    }
    const events = store.watch('/registry/', { after: 1, signal: new AbortController().signal });
    const thrown = await events[Symbol.asyncIterator]()
      .next()
      .catch((error: unknown) => error);
    expect(isHawserError(thrown, 'UNAVAILABLE') && thrown.detail).to.equal('compacted');
  });
});

describe('object store: lmdb', () => {
  it('keeps objects and the revision over a restart', async () => {
    const path = await folder();
    const first = await openLmdbStore(path);
    const written = await first.write({
      kind: 'create',
      key: '/registry/pods/default/a',
      value: object('a'),
    });
    await first.close();
    const second = await openLmdbStore(path);
    expect(await second.get(written.key)).to.deep.equal(written);
    const next = await second.write({ kind: 'create', key: '/registry/pods/default/b', value: object('b') });
    expect(next.revision).to.equal(written.revision + 1);
    await second.close();
  });

  it('belongs to one process at a time', async () => {
    const path = await folder();
    const first = await openLmdbStore(path);
    const thrown = await openLmdbStore(path).catch((error: unknown) => error);
    expect(isHawserError(thrown, 'CONFLICT')).to.equal(true);
    await first.close();
  });

  it('loses nothing that was answered when its process is killed', async () => {
    const path = await folder();
    const script = new URL('./processes/write-forever.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, ['--import', 'tsx', script, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let last = -1;
    for await (const line of createInterface({ input: child.stdout })) {
      last = Number(line);
      if (last === 50) child.kill('SIGKILL');
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    const store = await openLmdbStore(path);
    for (let index = 0; index <= last; index++) {
      expect(await store.get(`/registry/pods/default/${index}`), String(index)).to.not.equal(undefined);
    }
    await store.close();
  });
});
