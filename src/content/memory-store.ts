import { randomBytes } from 'node:crypto';
import type { Descriptor } from '../image/descriptor.ts';
import type { Digest } from '../image/digest.ts';
import { subjectOfTag } from '../image/referrers.ts';
import { throwIfAborted } from '../util/abort.ts';
import type { ContentStore, Lease, LeaseInfo, LeaseOptions, Leases, ReferenceStore } from './store.ts';
import { ContentCheck, resolveRange, unknownBlob } from './verify.ts';

class MemoryReferences implements ReferenceStore {
  readonly #names = new Map<string, Descriptor>();
  readonly #blobs: ReadonlyMap<Digest, Uint8Array>;

  constructor(blobs: ReadonlyMap<Digest, Uint8Array>) {
    this.#blobs = blobs;
  }

  async get(name: string) {
    return this.#names.get(name);
  }

  async set(name: string, descriptor: Descriptor) {
    if (!this.#blobs.has(descriptor.digest)) throw unknownBlob(descriptor.digest);
    this.#names.set(name, descriptor);
  }

  async remove(name: string) {
    return this.#names.delete(name);
  }

  async list() {
    return this.#sorted().filter(({ name }) => subjectOfTag(name) === undefined);
  }

  async listReferrersTags() {
    return this.#sorted().filter(({ name }) => subjectOfTag(name) !== undefined);
  }

  #sorted() {
    return [...this.#names]
      .map(([name, descriptor]) => ({ name, descriptor }))
      .sort((left, right) => (left.name < right.name ? -1 : 1));
  }
}

class MemoryLeases implements Leases {
  readonly #leases = new Map<string, LeaseInfo & { readonly digests: Digest[] }>();
  #collecting: Promise<unknown> = Promise.resolve();

  async acquire(owner: string, options: LeaseOptions = {}): Promise<Lease> {
    const id = randomBytes(8).toString('hex');
    const info = { id, owner, digests: [] as Digest[], ...options };
    this.#leases.set(id, info);
    return {
      id,
      add: async (...digests) => {
        await this.#collecting;
        info.digests.push(...digests);
      },
      guard: work =>
        this.exclusively(async () => {
          const { digests, result } = await work();
          info.digests.push(...digests);
          return result;
        }),
      release: async () => {
        this.#leases.delete(id);
      },
    };
  }

  async removeEnded(): Promise<void> {
    const living = new Set((await this.list()).map(({ id }) => id));
    for (const id of this.#leases.keys()) if (!living.has(id)) this.#leases.delete(id);
  }

  async list() {
    return [...this.#leases.values()].filter(({ expires }) => expires === undefined || expires > Date.now());
  }

  async exclusively<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#collecting.then(work);
    // Whoever waits for its turn does not care how this one ends.
    this.#collecting = turn.catch(() => undefined);
    return turn;
  }
}

/** A store for tests and for small things; it is gone with its process. */
export function createMemoryStore(): ContentStore {
  const blobs = new Map<Digest, Uint8Array>();
  return {
    references: new MemoryReferences(blobs),
    leases: new MemoryLeases(),
    async stat(digest) {
      const bytes = blobs.get(digest);
      return bytes === undefined ? undefined : { digest, size: bytes.length };
    },
    async *open(digest, options = {}) {
      const bytes = blobs.get(digest);
      if (bytes === undefined) throw unknownBlob(digest);
      const { start, end } = resolveRange({ digest, size: bytes.length }, options);
      throwIfAborted(options.signal);
      if (end > start) yield bytes.slice(start, end);
    },
    async ingest(source, options = {}) {
      throwIfAborted(options.signal);
      const check = new ContentCheck(options);
      const chunks: Uint8Array[] = [];
      for await (const chunk of source) {
        check.update(chunk);
        chunks.push(chunk);
      }
      const info = check.end();
      await options.lease?.add(info.digest);
      blobs.set(info.digest, Buffer.concat(chunks));
      return info;
    },
    async *list() {
      for (const [digest, bytes] of blobs) yield { digest, size: bytes.length };
    },
    async remove(digest) {
      return blobs.delete(digest);
    },
  };
}
