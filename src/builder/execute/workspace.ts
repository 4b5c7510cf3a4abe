import { randomBytes } from 'node:crypto';
import { chmodSync, lchownSync, lstatSync } from 'node:fs';
import type { LayoutStore, Lease } from '../../content/store.ts';
import { isHawserError, messageOf } from '../../errors/hawser-error.ts';
import { extendChainID } from '../../image/chain-id.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import type { Digest } from '../../image/digest.ts';
import type { PackedLayer } from '../../layers/commit-layer.ts';
import type { ActiveSnapshot, Snapshotter } from '../../layers/snapshotter.ts';
import type { CachedLayer } from '../cache/build-cache.ts';
import type { FileState } from './file-state.ts';
import { packInThread } from './step-threads.ts';

export interface WorkspaceOptions {
  readonly store: LayoutStore;
  /** Opened when a step reads or writes files: a build that is all cached does not. */
  readonly openSnapshotter: () => Promise<Snapshotter>;
  readonly lease: Lease;
  readonly signal: AbortSignal;
  /** Brings in a layer of a base image that the store may lack. */
  readonly fetchLayer: (descriptor: Descriptor) => Promise<void>;
  /** Seconds since 1970 (SOURCE_DATE_EPOCH); the present moment when left out. */
  readonly epoch?: number | undefined;
}

/**
 * Changes the files in `root`; it may give the layer too, where it has made that meanwhile: an archive at a path that
 * `newFile` gave.
 */
type ChangeFiles = (root: string, newFile: () => Promise<string>) => Promise<PackedLayer | undefined | void>;

const PREPARE_TRIES = 5;

/** The file trees of a build: unpacks states when somebody reads them, and turns changes into layers. */
export class Workspace {
  readonly epoch: number | undefined;
  readonly #options: WorkspaceOptions;
  #opened: Promise<Snapshotter> | undefined;
  readonly #ready = new Map<Digest, Promise<void>>();
  readonly #views = new Map<string, Promise<ActiveSnapshot & { readonly root: string }>>();
  readonly #scratches: ActiveSnapshot[] = [];

  constructor(options: WorkspaceOptions) {
    this.#options = options;
    this.epoch = options.epoch;
  }

  /** Makes sure that the snapshot of a state is there. */
  async #materialise(state: FileState): Promise<void> {
    if (state.chainID === undefined) return;
    let ready = this.#ready.get(state.chainID);
    if (ready === undefined) {
      ready = this.#unpack(state);
      this.#ready.set(state.chainID, ready);
    }
    await ready;
  }

  async #unpack(state: FileState): Promise<void> {
    const { store, signal, fetchLayer } = this.#options;
    const snapshotter = await this.#snapshotter();
    if (state.chainID !== undefined && (await snapshotter.stat(state.chainID)) !== undefined) return;
    const { unpackLayers } = await import('../../layers/unpack-image.ts');
    await unpackLayers(store, snapshotter, { layers: state.layers, signal, fetchLayer });
  }

  /**
   * An active snapshot on a state. A pruning beside the build may take a snapshot that nothing stands on yet: its layers
   * are under the build's lease, and it is unpacked again.
   */
  async #prepare(purpose: string, state: FileState): Promise<ActiveSnapshot> {
    for (let tries = 1; ; tries++) {
      try {
        await this.#materialise(state);
        return await (await this.#snapshotter()).prepare(freshKey(purpose), state.chainID);
      } catch (error) {
        if (tries === PREPARE_TRIES || !isHawserError(error, 'SNAPSHOT_UNKNOWN')) throw error;
        if (state.chainID !== undefined) this.#ready.delete(state.chainID);
      }
    }
  }

  /** The path of a state's files, to be read only; it holds until `close`. */
  async view(state: FileState): Promise<string> {
    const name = state.chainID ?? 'empty';
    let view = this.#views.get(name);
    if (view === undefined) {
      view = this.#openView(state);
      this.#views.set(name, view);
    }
    return (await view).root;
  }

  async #openView(state: FileState) {
    const active = await this.#prepare('view', state);
    return Object.assign(active, { root: await active.mount() });
  }

  /** The path of a tree on top of a state that can be written and that nobody keeps; it holds until `close`. */
  async scratch(state: FileState): Promise<string> {
    const active = await this.#prepare('scratch', state);
    this.#scratches.push(active);
    return active.mount();
  }

  /** Lets `work` change the files of `parent`, and makes a layer and a snapshot of what it changed. */
  async change(parent: FileState, work: ChangeFiles): Promise<CachedLayer> {
    const { store, lease, signal } = this.#options;
    const { commitLayer } = await import('../../layers/commit-layer.ts');
    const active = await this.#prepare('build', parent);
    const snapshotter = await this.#snapshotter();
    try {
      const root = await active.mount();
      const { mode, uid, gid } = lstatSync(root);
      const packed = await work(root, () => store.temporaryPath());
      // No layer says anything of the root folder, so nobody may find it changed.
      lchownSync(root, uid, gid);
      chmodSync(root, mode & 0o7777);
      const layer = await lease.guard(async () => {
        const { descriptor, diffID } = await commitLayer(store, active, {
          sourceDateEpoch: this.epoch,
          pack: packInThread,
          packed: packed ?? undefined,
          signal,
        });
        return { digests: [descriptor.digest], result: { descriptor, diffID } };
      });
      const chainID = extendChainID(parent.chainID, layer.diffID);
      if (packed?.isAlone === true) {
        await active.discard(); // who reads the files has the layer unpacked
      } else {
        await snapshotter.commit(active, chainID);
        this.#ready.set(chainID, Promise.resolve());
      }
      return {
        ...layer,
        created: new Date(this.epoch === undefined ? Date.now() : this.epoch * 1000).toISOString(),
      };
    } catch (error) {
      await discardAfter(active, error);
      throw error;
    }
  }

  #snapshotter(): Promise<Snapshotter> {
    this.#opened ??= this.#options.openSnapshotter();
    return this.#opened;
  }

  /** Unmounts what was only looked at, or written for nobody. */
  async close(): Promise<void> {
    for (const view of this.#views.values()) {
      const opened = await view.catch(() => undefined); // who asked for it has met the failure
      await opened?.discard();
    }
    this.#views.clear();
    for (const active of this.#scratches.splice(0)) await active.discard();
  }
}

function freshKey(purpose: string): string {
  return `${purpose}-${process.pid}-${randomBytes(6).toString('hex')}`;
}

/** Discards; a failure of that is told along with the first one, which it must not hide. */
async function discardAfter(active: ActiveSnapshot, error: unknown): Promise<void> {
  try {
    await active.discard();
  } catch (second) {
    if (error instanceof Error) error.message += ` (and cleaning up failed: ${messageOf(second)})`;
  }
}
