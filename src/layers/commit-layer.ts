import { rm } from 'node:fs/promises';
import type { BlobFiles, BlobWriter } from '../content/store.ts';
import type { Descriptor } from '../image/descriptor.ts';
import type { Digest } from '../image/digest.ts';
import { mediaTypes } from '../image/media-types.ts';
import { throwIfAborted } from '../util/abort.ts';
import { JobThreads } from '../util/worker-jobs.ts';
import type { DiffOptions } from './diff-tree.ts';
import { type DiffJob, packSmallLayer, type WrittenLayer } from './diff-writer.ts';
import type { ActiveSnapshot } from './snapshotter.ts';

export interface CommitLayerOptions extends DiffOptions {
  /** The local store keeps what a build makes as it is; `compressLayer` makes what a push sends. */
  readonly compression?: 'uncompressed';
  /** Does `writeLayer` in another thread; default one of those that are for this alone. */
  readonly pack?: (job: DiffJob, signal: AbortSignal | undefined) => Promise<WrittenLayer>;
  /** The archive of what changed, where it was made already; it is moved or removed. */
  readonly packed?: PackedLayer | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface PackedLayer {
  readonly path: string;
  readonly layer: WrittenLayer;
  /** The files themselves were not made. */
  readonly isAlone?: boolean;
}

export interface CommittedLayer {
  readonly descriptor: Descriptor;
  /** The descriptor's digest, since nothing is compressed. */
  readonly diffID: Digest;
  /** Bytes of the archive. */
  readonly size: number;
  /** 0 for a step that changed nothing. */
  readonly entries: number;
}

let threads: JobThreads<DiffJob, WrittenLayer> | undefined;

function packInThread(job: DiffJob, signal: AbortSignal | undefined): Promise<WrittenLayer> {
  threads ??= new JobThreads('layers/workers/diff.worker');
  return threads.run(job, { signal });
}

function committed(layer: WrittenLayer): CommittedLayer {
  const { digest, size, entries } = layer;
  return { descriptor: { mediaType: mediaTypes.ociLayer, digest, size }, diffID: digest, size, entries };
}

async function adopted(store: BlobFiles, { path, layer }: PackedLayer): Promise<CommittedLayer> {
  try {
    await store.adopt(path, { digest: layer.digest, size: layer.size });
    return committed(layer);
  } finally {
    await rm(path, { force: true });
  }
}

/**
 * Stores what an active snapshot changed as a layer; docs/layer-invariants.md. The snapshot must not change meanwhile.
 * Small layers are packed at once, others in a worker thread, both to the same bytes. A failure leaves nothing.
 *
 * @throws HawserError NO_SPACE, LAYER_INVALID, ABORTED
 */
export async function commitLayer(
  store: BlobWriter & BlobFiles,
  active: ActiveSnapshot,
  options: CommitLayerOptions = {},
): Promise<CommittedLayer> {
  throwIfAborted(options.signal);
  if (options.packed !== undefined) return adopted(store, options.packed);
  const { changes } = active;
  const diffOptions: DiffOptions = {
    sourceDateEpoch: options.sourceDateEpoch,
    ...(options.xattrs && { xattrs: options.xattrs }),
  };
  // A copied tree has to be compared whole: that is no work for the main thread.
  const isOverlay = changes.kind === 'overlay' || changes.lowers.length === 0;
  const small = isOverlay ? packSmallLayer(changes, diffOptions) : undefined;
  if (small !== undefined) {
    await store.ingest([small.bytes], { digest: small.digest, size: small.size });
    return committed(small);
  }
  const path = await store.temporaryPath();
  try {
    const pack = options.pack ?? packInThread;
    const layer = await pack({ changes, path, options: diffOptions }, options.signal);
    return await adopted(store, { path, layer });
  } finally {
    await rm(path, { force: true });
  }
}
