import { chmodSync, lchownSync } from 'node:fs';
import { posix } from 'node:path';
import { HawserError, type SourceLocation } from '../../../errors/hawser-error.ts';
import type { RunMount } from '../../../runtime/run-step-types.ts';
import { EntryCopier } from '../copy/copy-entries.ts';
import { listSource } from '../copy/list-source.ts';
import type { FileState } from '../file-state.ts';
import type { Workspace } from '../workspace.ts';
import { type CacheMountRequest, cacheMountKey, openCacheMount } from './cache-mounts.ts';
import { type ContextCopies, type ExposedSource, exposeSource, type MountSource } from './mount-source.ts';
import { readSecret, type SecretSource } from './secrets.ts';
import { forwardAgent, type SshSource } from './ssh-forward.ts';
import type { CacheStepMount, StepMount } from './step-mounts.ts';

/** What the mounts of all steps of a build work with. */
export interface MountServices {
  /** Of caches. */
  readonly cacheRoot: string;
  /** HAWSER_RUN */
  readonly run: string;
  readonly secrets: readonly SecretSource[];
  readonly agents: readonly SshSource[];
  readonly copies: ContextCopies;
  /** Fills a new cache with what came from elsewhere. */
  readonly restoreCache?: ((folder: string, key: string) => Promise<void>) | undefined;
}

export interface MountWork {
  readonly services: MountServices;
  readonly inputs: readonly FileState[];
  readonly workspace: Workspace;
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
  readonly location: SourceLocation;
}

export interface PreparedMounts {
  readonly mounts: readonly RunMount[];
  /** `NAME=value`, of secrets that are wanted so. */
  readonly env: readonly string[];
  /** What was copied of the context for a mount: `ExposedSource.fingerprint`. */
  readonly copied: ReadonlyMap<StepMount, string | undefined>;
  /** Keys of the caches. */
  readonly caches: readonly string[];
}

/**
 * Gets the mounts of a step ready, for the time of `work`.
 *
 * @throws HawserError COPY_SOURCE_UNKNOWN, SECRET_UNKNOWN, SIZE_INVALID, ABORTED, and what `work` throws
 */
export async function withMounts(
  mounts: readonly StepMount[],
  context: MountWork,
  work: (prepared: PreparedMounts) => Promise<void>,
): Promise<void> {
  const preparation = new Preparation(context);
  try {
    await preparation.openCaches(mounts.filter(mount => mount.type === 'cache'));
    for (const mount of mounts) await preparation.add(mount);
    await work(preparation);
  } finally {
    await preparation.release();
  }
}

class Preparation implements PreparedMounts {
  readonly mounts: RunMount[] = [];
  readonly env: string[] = [];
  readonly copied = new Map<StepMount, string | undefined>();
  readonly #context: MountWork;
  readonly #opened = new Map<string, string>();
  readonly #releases: (() => Promise<void>)[] = [];

  constructor(context: MountWork) {
    this.#context = context;
  }

  get caches(): readonly string[] {
    return [...this.#opened.keys()];
  }

  /** Each once, and in one order for all steps: two that lock the same ones would wait for each other for ever. */
  async openCaches(mounts: readonly CacheStepMount[]): Promise<void> {
    const requests = mounts.map(mount => this.#cacheRequest(mount));
    const sorted = requests.toSorted((a, b) => (cacheMountKey(a) < cacheMountKey(b) ? -1 : 1));
    const { services, signal, warn } = this.#context;
    for (const request of sorted) {
      const key = cacheMountKey(request);
      if (this.#opened.has(key)) continue;
      const onWait = () =>
        warn(`waiting for the cache ${request.id.replace(/^\//, '')}, which another step has for itself`);
      const opened = await openCacheMount(services.cacheRoot, request, { signal, onWait });
      this.#releases.push(() => opened.release());
      this.#opened.set(key, opened.path);
    }
  }

  async add(mount: StepMount): Promise<void> {
    switch (mount.type) {
      case 'bind': {
        const { target, readonly } = mount;
        const { path, fingerprint } = await this.#expose(mount, readonly);
        if ('context' in mount.tree) this.copied.set(mount, fingerprint);
        this.mounts.push({ type: 'bind', source: path, target, readOnly: readonly });
        return;
      }
      case 'cache': {
        const source = this.#opened.get(cacheMountKey(this.#cacheRequest(mount))) ?? '';
        this.mounts.push({ type: 'bind', source, target: mount.target, readOnly: mount.readonly });
        return;
      }
      case 'tmpfs': {
        const { target, readonly, size } = mount;
        const limit = size === undefined ? {} : { size };
        this.mounts.push({ type: 'tmpfs', target, readOnly: readonly, ...limit });
        return;
      }
      case 'secret':
        return this.#addSecret(mount);
      case 'ssh':
        return this.#addAgent(mount);
    }
  }

  async release(): Promise<void> {
    for (const release of this.#releases.splice(0).toReversed()) await release();
  }

  #expose(mount: Extract<StepMount, { readonly tree?: unknown }>, readonly: boolean): Promise<ExposedSource> {
    const { inputs, workspace, signal, services } = this.#context;
    const { tree, source: path } = mount;
    if (tree === undefined) throw new Error('a mount without a tree shows nothing');
    const source: MountSource = { tree, path };
    const state = 'input' in tree ? inputs[tree.input] : undefined;
    return exposeSource(source, services.copies, { state, readonly, workspace, signal });
  }

  /**
   * A folder of its own for each part of a stage that a cache begins with: no path is looked up in a cache, which another
   * build may be changing at the same time (CVE-2024-23651).
   */
  #cacheRequest(mount: CacheStepMount): CacheMountRequest {
    const { id, sharing, owner, tree } = mount;
    const path = posix.resolve('/', mount.source);
    const own = path === '/' ? owner : undefined;
    const state = tree !== undefined && 'input' in tree ? this.#context.inputs[tree.input] : undefined;
    const folder = tree !== undefined && 'context' in tree ? tree.context.tree.root : undefined;
    const origin = [
      state?.chainID ?? folder,
      path,
      ...(own === undefined ? [] : [own.mode, own.uid, own.gid]),
    ];
    const fill = async (cache: string) => {
      if (tree !== undefined && own === undefined) fillCache(cache, (await this.#expose(mount, true)).path);
      if (own !== undefined) {
        lchownSync(cache, own.uid, own.gid);
        chmodSync(cache, own.mode);
      }
      await this.#context.services.restoreCache?.(cache, cacheMountKey({ id, origin }));
    };
    return { id, sharing, origin, fill };
  }

  async #addSecret(mount: Extract<StepMount, { readonly type: 'secret' }>): Promise<void> {
    const { id, target, env, mode, uid, gid } = mount;
    const { services, location } = this.#context;
    const content = await readSecret(services.secrets, id);
    if (content === undefined) {
      if (!mount.required) return;
      throw new HawserError('SECRET_UNKNOWN', `the secret ${id} was not given`, {
        location,
        remedy: `Give it with --secret id=${id},src=FILE or --secret id=${id},env=NAME.`,
      });
    }
    if (target !== undefined) this.mounts.push({ type: 'file', target, content, mode, uid, gid });
    if (env !== undefined) this.env.push(`${env}=${Buffer.from(content).toString()}`);
  }

  async #addAgent(mount: Extract<StepMount, { readonly type: 'ssh' }>): Promise<void> {
    const { id, target, mode, uid, gid } = mount;
    const { services, location } = this.#context;
    const source = services.agents.findLast(agent => agent.id === id);
    if (source === undefined) {
      if (!mount.required) return;
      throw new HawserError('SECRET_UNKNOWN', `no ssh agent was given for ${id}`, {
        location,
        remedy: `Give it with --ssh ${id}${id === 'default' ? '' : '=SOCKET'}.`,
      });
    }
    const agent = await forwardAgent(source, { mode, uid, gid, run: services.run });
    this.#releases.push(() => agent.close());
    this.mounts.push({ type: 'bind', source: agent.path, target });
  }
}

/** Copies the folder at `path`, with its owner and mode, to be the beginning of a cache. */
function fillCache(folder: string, path: string): void {
  const [listing] = listSource({ root: path, owners: 'kept' }, { path: '/' }) ?? [];
  if (listing === undefined) return;
  new EntryCopier({ root: folder, path: '/' }).copy(listing);
  lchownSync(folder, listing.top.uid, listing.top.gid);
  chmodSync(folder, listing.top.mode);
}
