import type { ApiObject } from '../../api/object-meta.ts';

/*
 * Objects by key under one global revision, as etcd keeps them: every write makes the next revision, and watchers see the
 * writes in that order. Keys are `/registry/<resource>/<namespace>/<name>`, without a namespace for cluster-wide ones.
 * test/orchestrator/store/conformance.ts holds every implementation to it.
 */

export interface StoredObject {
  readonly key: string;
  /** Without `metadata.resourceVersion`: the revision stands in for it. */
  readonly value: ApiObject;
  /** Of the last write of this key. */
  readonly revision: number;
}

export interface ListResult {
  readonly items: readonly StoredObject[];
  /** Of the store when it was listed. */
  readonly revision: number;
}

export type StoreWrite =
  /** Fails where the key is there. */
  | { readonly kind: 'create'; readonly key: string; readonly value: ApiObject }
  /** Fails where the key's revision is another than `expected`. */
  | { readonly kind: 'update'; readonly key: string; readonly value: ApiObject; readonly expected: number }
  | { readonly kind: 'delete'; readonly key: string; readonly expected: number };

export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** Of a deletion: the last value, under the revision of the deletion. */
  readonly object: StoredObject;
  /** The value before, where there was one: selectors need it to tell who left. */
  readonly previous?: ApiObject;
}

export interface WatchOptions {
  /** Events after this revision. */
  readonly after: number;
  readonly signal: AbortSignal;
}

export interface ObjectStore {
  get(key: string): Promise<StoredObject | undefined>;
  /** All keys below a prefix that ends in `/`, sorted by key. */
  list(prefix: string): Promise<ListResult>;
  /**
   * One write, durable when it returns. @returns the object as stored (of a deletion: as it was)
   * @throws HawserError ALREADY_EXISTS, NOT_FOUND, CONFLICT
   */
  write(write: StoreWrite): Promise<StoredObject>;
  /**
   * Events of keys below the prefix, in order, until the signal fires.
   * @throws HawserError UNAVAILABLE with `detail: 'compacted'` where `after` is older than the log reaches
   */
  watch(prefix: string, options: WatchOptions): AsyncIterable<StoreEvent>;
  close(): Promise<void>;
}
