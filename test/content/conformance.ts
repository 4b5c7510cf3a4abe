import { expect } from 'chai';
import type { ContentStore } from '../../src/content/store.ts';
import { isHawserError } from '../../src/errors/hawser-error.ts';
import type { Descriptor } from '../../src/image/descriptor.ts';
import { type Digest, digestOf } from '../../src/image/digest.ts';

export interface StoreUnderTest {
  readonly store: ContentStore;
  readonly close: () => Promise<void>;
}

const absent = digestOf('nowhere');

export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text);
}

export async function* chunked(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let position = 0; position < bytes.length; position += size)
    yield bytes.slice(position, position + size);
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The code that `work` ends with; fails when it does not end with a HawserError. */
export async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (isHawserError(error)) return error.code;
    throw error;
  }
  throw new Error('nothing was thrown');
}

export async function listDigests(store: ContentStore): Promise<Digest[]> {
  const digests: Digest[] = [];
  for await (const { digest } of store.list()) digests.push(digest);
  return digests.sort();
}

function descriptorOf(bytes: Uint8Array): Descriptor {
  return { mediaType: 'application/octet-stream', digest: digestOf(bytes), size: bytes.length };
}

/** What every content store promises; docs/content-flow.md numbers the invariants. */
export function describeConformance(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`content store: ${name}`, () => {
    let store: ContentStore;
    let close: () => Promise<void>;
    beforeEach(async () => {
      ({ store, close } = await open());
    });
    afterEach(() => close());
    describeBlobs(() => store);
    describeReferences(() => store);
    describeLeases(() => store);
  });
}

function describeBlobs(current: () => ContentStore): void {
  it('gives back what it took, whole and in ranges', async () => {
    const store = current();
    const bytes = Buffer.alloc(3_000_000, 'hawser');
    const info = await store.ingest(chunked(bytes, 70_000));
    expect(info).to.deep.equal({ digest: digestOf(bytes), size: bytes.length });
    expect(await store.stat(info.digest)).to.deep.equal(info);
    expect((await collect(store.open(info.digest))).equals(bytes)).to.equal(true);
    const ranges: [number, number | undefined][] = [
      [0, 10],
      [5, 5],
      [2_999_990, undefined],
      [2_999_990, 9_000_000],
      [1_048_570, 1_048_590],
      [3_000_000, undefined],
    ];
    for (const [start, end] of ranges) {
      const got = await collect(store.open(info.digest, { start, ...(end === undefined ? {} : { end }) }));
      expect(got.equals(bytes.subarray(start, end)), `${start}-${end}`).to.equal(true);
    }
  });

  it('takes an empty blob, one of sha512, and one twice', async () => {
    const store = current();
    expect((await store.ingest([])).size).to.equal(0);
    const wide = await store.ingest([bytesOf('wide')], { algorithm: 'sha512' });
    expect(wide.digest).to.equal(digestOf('wide', 'sha512'));
    expect((await collect(store.open(wide.digest))).toString()).to.equal('wide');
    await Promise.all([1, 2, 3, 4].map(() => store.ingest(chunked(bytesOf('same')))));
    expect(await listDigests(store)).to.deep.equal([digestOf(''), digestOf('same'), wide.digest].sort());
  });

  it('does not read a source whose digest it has', async () => {
    const store = current();
    const { digest } = await store.ingest([bytesOf('known')]);
    await store.ingest([bytesOf('known')], { digest, size: 5 });
    expect((await collect(store.open(digest))).toString()).to.equal('known');
  });

  const refused: [string, Parameters<ContentStore['ingest']>[1], string][] = [
    ['another digest', { digest: absent }, 'DIGEST_INVALID'],
    ['another digest of sha512', { digest: digestOf('nowhere', 'sha512') }, 'DIGEST_INVALID'],
    ['fewer bytes than announced', { size: 100 }, 'SIZE_INVALID'],
    ['more bytes than announced', { size: 3 }, 'SIZE_INVALID'],
    ['more bytes than allowed', { maxSize: 3 }, 'SIZE_INVALID'],
    ['a cancelled one', { signal: AbortSignal.abort() }, 'ABORTED'],
  ];
  for (const [what, options, code] of refused) {
    it(`refuses ${what} and keeps nothing`, async () => {
      const store = current();
      expect(await codeOf(() => store.ingest(chunked(bytesOf('content')), options))).to.equal(code);
      expect(await listDigests(store)).to.deep.equal([]);
    });
  }

  it('keeps nothing of a source that fails', async () => {
    const store = current();
    async function* broken() {
      yield bytesOf('begin');
      throw new Error('cable cut');
    }
    let message = '';
    await store.ingest(broken()).catch((error: Error) => {
      message = error.message;
    });
    expect(message).to.equal('cable cut');
    expect(await listDigests(store)).to.deep.equal([]);
  });

  it('knows what it lacks', async () => {
    const store = current();
    expect(await store.stat(absent)).to.equal(undefined);
    expect(await store.remove(absent)).to.equal(false);
    expect(await codeOf(() => collect(store.open(absent)))).to.equal('BLOB_UNKNOWN');
    const { digest } = await store.ingest([bytesOf('short')]);
    expect(await codeOf(() => collect(store.open(digest, { start: 6 })))).to.equal('RANGE_INVALID');
    expect(await store.remove(digest)).to.equal(true);
    expect(await store.stat(digest)).to.equal(undefined);
  });
}

function describeReferences(current: () => ContentStore): void {
  it('sets, moves, lists and removes names', async () => {
    const store = current();
    const { references } = store;
    const one = descriptorOf(bytesOf('one'));
    const two = { ...descriptorOf(bytesOf('two')), annotations: { 'com.example.key': 'value' } };
    await store.ingest([bytesOf('one')]);
    await store.ingest([bytesOf('two')]);
    expect(await references.get('docker.io/library/b:1')).to.equal(undefined);
    await references.set('docker.io/library/b:1', one);
    await references.set('docker.io/library/a:1', two);
    await references.set('docker.io/library/b:1', two);
    await references.set('docker.io/library/b:1', two);
    expect(await references.get('docker.io/library/b:1')).to.deep.equal(two);
    expect(await references.list()).to.deep.equal([
      { name: 'docker.io/library/a:1', descriptor: two },
      { name: 'docker.io/library/b:1', descriptor: two },
    ]);
    expect(await references.remove('docker.io/library/b:1')).to.equal(true);
    expect(await references.remove('docker.io/library/b:1')).to.equal(false);
    expect((await references.list()).length).to.equal(1);
  });

  it('refuses to name what it lacks', async () => {
    const { references } = current();
    const work = () => references.set('docker.io/library/a:1', descriptorOf(bytesOf('absent')));
    expect(await codeOf(work)).to.equal('BLOB_UNKNOWN');
    expect(await references.list()).to.deep.equal([]);
  });

  it('loses none of many names set at once', async () => {
    const store = current();
    await store.ingest([bytesOf('one')]);
    const names = Array.from({ length: 20 }, (_, index) => `docker.io/library/n${index}:1`);
    await Promise.all(names.map(name => store.references.set(name, descriptorOf(bytesOf('one')))));
    expect((await store.references.list()).map(({ name }) => name)).to.have.members(names);
  });
}

function describeLeases(current: () => ContentStore): void {
  it('shows a lease while it holds', async () => {
    const { leases } = current();
    const lease = await leases.acquire('build');
    await lease.add(absent, digestOf('b'));
    await lease.add(digestOf('c'));
    expect(await leases.list()).to.deep.equal([
      { id: lease.id, owner: 'build', digests: [absent, digestOf('b'), digestOf('c')] },
    ]);
    await lease.release();
    await lease.release();
    expect(await leases.list()).to.deep.equal([]);
  });

  it('lets a lease expire', async () => {
    const { leases } = current();
    await leases.acquire('past', { expires: Date.now() - 1 });
    await leases.acquire('future', { expires: Date.now() + 100_000 });
    expect((await leases.list()).map(({ owner }) => owner)).to.deep.equal(['future']);
  });

  it('keeps what was made under its guard', async () => {
    const store = current();
    const lease = await store.leases.acquire('build');
    const result = await lease.guard(async () => {
      const { digest } = await store.ingest([bytesOf('made')]);
      return { digests: [digest], result: 'done' };
    });
    expect(result).to.equal('done');
    expect((await store.leases.list())[0]?.digests).to.deep.equal([digestOf('made')]);
  });

  it('has what is ingested under a lease there before anybody can see it', async () => {
    const store = current();
    const lease = await store.leases.acquire('pull');
    await store.ingest([bytesOf('new')], { lease });
    await store.ingest([bytesOf('new')], { lease, digest: digestOf('new') });
    await store.ingest([bytesOf('other')], { lease, digest: digestOf('other'), size: 5 });
    expect(new Set((await store.leases.list())[0]?.digests)).to.deep.equal(
      new Set([digestOf('new'), digestOf('other')]),
    );
  });

  it('makes an addition wait for a collection', async () => {
    const { leases } = current();
    const lease = await leases.acquire('build');
    const order: string[] = [];
    let adding: Promise<void> = Promise.resolve();
    await leases.exclusively(async () => {
      adding = lease.add(absent).then(() => void order.push('added'));
      await new Promise(resolve => setTimeout(resolve, 20));
      order.push('collected');
    });
    await adding;
    expect(order).to.deep.equal(['collected', 'added']);
  });
}
