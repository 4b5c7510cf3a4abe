import type { Digest } from '../image/digest.ts';

/*
 * A snapshot is the file tree of a stack of layers, named by its chainID (image-spec 1.1 config.md, "Layer ChainID").
 * Committed ones never change; an active one is a tree in the making on top of a committed parent, or of nothing.
 * `openSnapshotter` (open-snapshotter.ts) gives the one of a root; test/layers/snapshotter-conformance.ts holds every
 * kind to the same behaviour.
 */

export type SnapshotterKind = 'overlay' | 'copy';

export interface SnapshotInfo {
  readonly chainID: Digest;
  readonly parent?: Digest;
  /** Bytes on the disk that go when this snapshot goes; undefined where nobody measured them. */
  readonly size?: number;
  /** RFC 3339 */
  readonly created: string;
}

export interface SnapshotUsage extends SnapshotInfo {
  readonly size: number;
  /** Committed snapshots and active ones that stand directly on this one. */
  readonly users: number;
}

/** What a snapshot changed: all that the diff of a layer needs. Plain data, so that a worker can take it. */
export type SnapshotChanges =
  /** `upper` is the overlay's own folder; `lowers` are those of the parents, the nearest first. */
  | { readonly kind: 'overlay'; readonly upper: string; readonly lowers: readonly string[] }
  /** Two whole trees. */
  | { readonly kind: 'copy'; readonly upper: string; readonly lowers: readonly string[] };

export interface ActiveSnapshot {
  readonly key: string;
  readonly parent?: Digest;
  /** What changed (overlay), or the whole tree (copy). Without a parent both are the whole tree. */
  readonly upper: string;
  readonly changes: SnapshotChanges;
  /** The path of the whole tree, to read and write. Without a parent there is nothing to mount and it is `upper`. */
  mount(): Promise<string>;
  unmount(): Promise<void>;
  /** Unmounts and removes it. Harmless after a commit, and twice. */
  discard(): Promise<void>;
}

export interface PrepareOptions {
  /**
   * Who keeps it beyond the life of this process, e.g. `container:0a1b…`: then it stays until `discard`, and another
   * process finds it by its key. Without, it goes with the process (by pid and start time).
   */
  readonly owner?: string;
}

export interface Snapshotter {
  readonly kind: SnapshotterKind;
  /** Undefined where there is no such snapshot. */
  stat(chainID: Digest): Promise<SnapshotInfo | undefined>;
  /**
   * @param key Names the mount point: 1–128 of `A–Z a–z 0–9 . _ -`, first no dot; unique while the snapshot is active.
   * @throws HawserError SNAPSHOT_UNKNOWN for a parent that is not there, ALREADY_EXISTS for a key in use
   */
  prepare(key: string, parent: Digest | undefined, options?: PrepareOptions): Promise<ActiveSnapshot>;
  /**
   * Makes it the snapshot `chainID`. Where another process was faster, that one's stays and this one's is dropped. The
   * active snapshot is no more afterwards.
   *
   * @param options.size Bytes on the disk, where the caller knows.
   */
  commit(active: ActiveSnapshot, chainID: Digest, options?: { readonly size?: number }): Promise<void>;
  /** The active snapshot with that key and a lasting owner. */
  find(key: string): Promise<ActiveSnapshot | undefined>;
}

/** What pruning needs. */
export interface SnapshotCatalog {
  /** Sorted by chainID. Measures those that nobody measured. */
  list(): Promise<readonly SnapshotUsage[]>;
  /**
   * False where there is none.
   *
   * @throws HawserError CONFLICT while a snapshot, or an active one, stands on it
   */
  remove(chainID: Digest): Promise<boolean>;
}
