import type { RepositoryName, Tag } from '../../distribution/names.ts';
import type { ManifestReference } from '../../distribution/routes.ts';
import { HawserError, isHawserError, messageOf } from '../../errors/hawser-error.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import type { Digest } from '../../image/digest.ts';
import type { Logger } from '../log/logger.ts';
import type { Volume } from '../storage/volume.ts';
import { BlobFetch } from './blob-fetch.ts';
import type { Upstream } from './upstream.ts';

const troubles = ['REGISTRY_UNREACHABLE', 'REGISTRY_ERROR', 'TOOMANYREQUESTS', 'UNAVAILABLE'] as const;

/** Whether an error says that upstream could not be asked, and not that it lacks something. */
const isTrouble = (error: unknown): boolean => troubles.some(code => isHawserError(error, code));

export type ProxyKind = 'blob' | 'manifest';

export interface ProxyCounts {
  /** What clients asked for, what of it was here, and what was not. */
  requests: number;
  hits: number;
  misses: number;
  /** Bytes from upstream, and to clients. */
  pulled: number;
  pushed: number;
}

const noCounts = (): ProxyCounts => ({ requests: 0, hits: 0, misses: 0, pulled: 0, pushed: 0 });

/** Which of two: running work by what it is for. */
class Shared<Value> {
  readonly #running = new Map<string, Promise<Value>>();

  /** Several who want the same wait for one. */
  async do(key: string, work: () => Promise<Value>): Promise<Value> {
    const running = this.#running.get(key);
    if (running !== undefined) return await running;
    const started = work();
    this.#running.set(key, started);
    try {
      return await started;
    } finally {
      this.#running.delete(key);
    }
  }
}

/**
 * A cache of another registry: registry:2's `proxy`. Tags are asked for upstream each time, and found here where upstream
 * does not answer; content comes once, however many want it at the same time.
 */
export class PullThrough {
  readonly counts: Readonly<Record<ProxyKind, ProxyCounts>> = { blob: noCounts(), manifest: noCounts() };
  readonly #upstream: Upstream;
  readonly #volume: Volume;
  readonly #logger: Logger;
  readonly #patience: number;
  readonly #manifests = new Shared<void>();
  readonly #sizes = new Shared<number | undefined>();
  readonly #referrers = new Shared<readonly Descriptor[]>();
  readonly #fetches = new Map<string, BlobFetch>();

  constructor(parts: {
    readonly upstream: Upstream;
    readonly volume: Volume;
    readonly logger: Logger;
    /** Milliseconds for which a blob goes on coming when nobody waits for it any more. */
    readonly patience: number;
  }) {
    this.#upstream = parts.upstream;
    this.#volume = parts.volume;
    this.#logger = parts.logger;
    this.#patience = parts.patience;
  }

  /** Sees to it that the volume has a manifest as upstream has it. Ends well where neither has. @throws HawserError UNAVAILABLE */
  async prepareManifest(name: RepositoryName, reference: ManifestReference): Promise<void> {
    const { counts } = this;
    counts.manifest.requests++;
    const wanted = reference.kind === 'tag' ? `:${reference.tag}` : `@${reference.digest}`;
    await this.#manifests.do(`${name}${wanted}`, async () => {
      if (reference.kind === 'digest') await this.#fetchManifest(name, reference.digest);
      else await this.#followTag(name, reference.tag);
    });
  }

  async #followTag(name: RepositoryName, tag: Tag): Promise<void> {
    const { tags, manifests } = this.#volume;
    const known = await tags.get(name, tag);
    try {
      const digest = await this.#upstream.digestOf(name, tag);
      if (digest === undefined) {
        await tags.remove(name, tag);
        return;
      }
      await this.#fetchManifest(name, digest);
      if (digest !== known && (await manifests.has(name, digest))) await tags.set(name, tag, digest);
    } catch (error) {
      await this.#doWithout(
        error,
        known !== undefined && (await manifests.has(name, known)),
        `${name}:${tag}`,
      );
    }
  }

  /** What is here serves as well, where upstream cannot be asked. */
  async #doWithout(error: unknown, isHere: boolean, what: string): Promise<void> {
    if (!isTrouble(error)) throw error;
    if (!isHere) {
      throw new HawserError('UNAVAILABLE', `${what} is not here, and upstream does not answer`, {
        cause: error,
      });
    }
    this.#logger.log('warn', `proxy: ${what} is served as it was: ${messageOf(error)}`);
  }

  async #fetchManifest(name: RepositoryName, digest: Digest): Promise<void> {
    const { counts } = this;
    if (await this.#volume.manifests.has(name, digest)) {
      counts.manifest.hits++;
      return;
    }
    counts.manifest.misses++;
    try {
      const document = await this.#upstream.manifest(name, { kind: 'digest', digest });
      if (document === undefined) return;
      counts.manifest.pulled += document.bytes.length;
      await this.#volume.manifests.put(name, document);
    } catch (error) {
      await this.#doWithout(error, false, `${name}@${digest}`);
    }
  }

  /** Bytes of a blob that the volume lacks; undefined where upstream lacks it too. @throws HawserError UNAVAILABLE */
  async sizeOf(name: RepositoryName, digest: Digest): Promise<number | undefined> {
    const running = this.#fetches.get(`${name}@${digest}`);
    if (running !== undefined) return running.blob.size;
    try {
      return await this.#sizes.do(`${name}@${digest}`, () => this.#upstream.blobSize(name, digest));
    } catch (error) {
      await this.#doWithout(error, false, `${name}@${digest}`);
      throw error;
    }
  }

  /** A blob that the volume lacks, on its way; undefined where it got here meanwhile. */
  async fetch(
    name: RepositoryName,
    blob: { readonly digest: Digest; readonly size: number },
  ): Promise<BlobFetch | undefined> {
    const { digest, size } = blob;
    const key = `${name}@${digest}`;
    const running = this.#fetches.get(key);
    if (running !== undefined) return running;
    // Upstream has it in this repository, and another one here has its bytes.
    if (await this.#volume.blobs.mount(name, { digest })) return undefined;
    const other = this.#fetches.get(key);
    if (other !== undefined) return other;
    this.counts.blob.pulled += size;
    const parts = { upstream: this.#upstream, volume: this.#volume, patience: this.#patience };
    const started = new BlobFetch({ name, digest, size }, parts);
    this.#fetches.set(key, started);
    const forget = () => void this.#fetches.delete(key);
    started.done.then(forget, (error: unknown) => {
      forget();
      this.#logger.log('warn', `proxy: ${key}: ${messageOf(error)}`);
    });
    return started;
  }

  /** Undefined where upstream has no such repository, or does not answer. */
  async tags(name: RepositoryName): Promise<readonly Tag[] | undefined> {
    try {
      return await this.#upstream.tags(name);
    } catch (error) {
      if (!isTrouble(error)) throw error;
      this.#logger.log('warn', `proxy: the tags of ${name} are those that are here: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** What refers to a manifest, in the order of digests, as upstream tells it, or told it last. @throws HawserError UNAVAILABLE */
  async referrers(name: RepositoryName, subject: Digest): Promise<readonly Descriptor[]> {
    const found = await this.#referrers.do(`${name}@${subject}`, () => this.#listReferrers(name, subject));
    return found.toSorted((left, right) => (left.digest < right.digest ? -1 : 1));
  }

  async #listReferrers(name: RepositoryName, subject: Digest): Promise<readonly Descriptor[]> {
    const { knownReferrers, manifests, referrers } = this.#volume;
    let listed: readonly Descriptor[];
    try {
      listed = (await this.#upstream.referrers(name, subject)) ?? [];
    } catch (error) {
      const known = await knownReferrers.get(name, subject);
      const here = known ?? (await referrers.list(name, subject));
      const isHere = known !== undefined || here.length > 0;
      await this.#doWithout(error, isHere, `the list of referrers of ${name}@${subject}`);
      return here;
    }
    // That there are none is worth a note for what is here alone: whoever asks for made-up digests fills no disk.
    if (listed.length > 0 || (await manifests.has(name, subject)))
      await knownReferrers.set(name, subject, listed);
    return listed;
  }

  async close(): Promise<void> {
    const running = [...this.#fetches.values()];
    for (const each of running) each.stop();
    await Promise.allSettled(running.map(({ done }) => done));
  }
}
