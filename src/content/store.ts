import type { Descriptor } from '../image/descriptor.ts';
import type { Digest, DigestAlgorithm } from '../image/digest.ts';
import type { ArrivingBlob } from './arrivals.ts';

/*
 * The content-addressed store, as small interfaces; a function asks for the narrowest one that it needs.
 * docs/content-flow.md tells how content gets in, is kept and goes; `test/content/conformance.ts` holds every
 * implementation to it.
 */

export interface BlobInfo {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

export interface OpenBlobOptions {
  /** First byte; default 0. */
  readonly start?: number;
  /** First byte that is not wanted any more; default the end. */
  readonly end?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface BlobReader {
  /** Size of a blob; undefined where the store lacks it. */
  stat(digest: Digest): Promise<BlobInfo | undefined>;
  /**
   * The bytes of a blob, as they are on disk: `readBlob` verifies small ones, and who streams a large one digests it.
   *
   * @throws HawserError BLOB_UNKNOWN, RANGE_INVALID, ABORTED
   */
  open(digest: Digest, options?: OpenBlobOptions): AsyncIterable<Uint8Array>;
}

export interface IngestOptions {
  /** What the content must hash to; its algorithm is used. */
  readonly digest?: Digest;
  /** What the content must measure, in bytes. */
  readonly size?: number;
  /** Bytes after which reading stops with SIZE_INVALID. */
  readonly maxSize?: number;
  /** Where `digest` is left out; default sha256. */
  readonly algorithm?: DigestAlgorithm;
  /** Gets the digest before the content appears in the store, so that no collector can come in between. */
  readonly lease?: Pick<Lease, 'add'>;
  /** Called once bytes begin to be written, by stores on a local disk; not where the store has the content already. */
  readonly onArriving?: ((blob: ArrivingBlob) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface BlobWriter {
  /**
   * Takes content in, whole or not at all: temp → hash while writing → fsync → verify → rename → fsync folder. Two
   * processes may ingest the same content at once. Where the store has `digest` already, `source` is not read. A chunk
   * belongs to the store once it is yielded: the source must not write over it.
   *
   * @throws HawserError DIGEST_INVALID, SIZE_INVALID, NO_SPACE, ABORTED
   */
  ingest(
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    options?: IngestOptions,
  ): Promise<BlobInfo>;
}

export interface BlobCatalog {
  /** Every blob, in no order. */
  list(): AsyncIterable<BlobInfo>;
  /** False where the store lacks it. Asks nobody whether the blob is in use: `collectGarbage` does. */
  remove(digest: Digest): Promise<boolean>;
}

/** A capability of stores on a local disk, so that workers read and write blobs as files. */
export interface BlobFiles {
  /** Where the blob is, or would be. */
  pathOf(digest: Digest): string;
  /** A fresh path on the store's file system; what a crash leaves there, `sweepTemporary` removes. */
  temporaryPath(): Promise<string>;
  /**
   * Takes in the finished file at `path` by renaming it. The caller has hashed it while writing, and vouches for
   * `info`; the size is checked here, and the file and its folder are flushed.
   *
   * @throws HawserError SIZE_INVALID
   */
  adopt(path: string, info: BlobInfo): Promise<void>;
  /** Removes the temporary files of dead processes; their number. */
  sweepTemporary(): Promise<number>;
}

export interface NamedDescriptor {
  /** The text of `formatReference`, e.g. `docker.io/library/nginx:latest`. */
  readonly name: string;
  readonly descriptor: Descriptor;
}

/** Names of images. Each change is atomic among all processes on one root. */
export interface ReferenceStore {
  get(name: string): Promise<Descriptor | undefined>;
  set(name: string, descriptor: Descriptor): Promise<void>;
  /** False where there is no such name. */
  remove(name: string): Promise<boolean>;
  /** Those of images, sorted by name. */
  list(): Promise<readonly NamedDescriptor[]>;
  /** Referrers tags, each for the list of what refers to its subject; see content/referrers.ts. */
  listReferrersTags(): Promise<readonly NamedDescriptor[]>;
}

interface GuardedResult<Result> {
  readonly digests: readonly Digest[];
  readonly result: Result;
}

/** Keeps content from being collected, until released or until its process is gone. */
export interface Lease {
  readonly id: string;
  /** Keeps the blob, and what it refers to where it is a manifest or an index. */
  add(...digests: readonly Digest[]): Promise<void>;
  /** Runs short `work` while nothing is collected, and keeps what it made: for content that is not ingested, but adopted. */
  guard<Result>(work: () => Promise<GuardedResult<Result>>): Promise<Result>;
  release(): Promise<void>;
}

export interface LeaseInfo {
  readonly id: string;
  readonly owner: string;
  readonly digests: readonly Digest[];
  /** Milliseconds since 1970; undefined where the lease ends with its process only. */
  readonly expires?: number;
}

export interface LeaseOptions {
  /**
   * Milliseconds since 1970 until which the lease holds, even when its process has ended; without it the lease dies
   * with its process (by pid and start time).
   */
  readonly expires?: number;
}

export interface Leases {
  /** @param owner Says who, for `hawser system df`, e.g. `build` or `pull docker.io/library/nginx:latest`. */
  acquire(owner: string, options?: LeaseOptions): Promise<Lease>;
  /** Those that hold. */
  list(): Promise<readonly LeaseInfo[]>;
  /** Removes what processes left that are gone; it holds nothing any more. */
  removeEnded(): Promise<void>;
  /** The lock under which a collector looks at leases and names and removes what nothing keeps. */
  exclusively<Result>(work: () => Promise<Result>): Promise<Result>;
}

export type ContentStore = BlobReader &
  BlobWriter &
  BlobCatalog & {
    readonly references: ReferenceStore;
    readonly leases: Leases;
  };

export type LayoutStore = ContentStore & BlobFiles;
