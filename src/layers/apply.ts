import type { Digest } from '../image/digest.ts';
import type { LayerCompression } from '../image/media-types.ts';
import type { ApplyJob } from './apply-job.ts';
import type { WhiteoutMode } from './apply-tree.ts';
import { JobThreads } from './worker-jobs.ts';

export interface LayerSource {
  /** A file on a local disk. */
  readonly path: string;
  readonly compression: LayerCompression;
}

export interface ApplyLimits {
  /** Bytes of the uncompressed layer, and of its files with their holes; default 128 GiB. */
  readonly maxSize?: number;
  /** Default 10,000,000. */
  readonly maxEntries?: number;
}

export interface ApplyOptions {
  /** What the uncompressed layer must hash to. */
  readonly diffID?: Digest | undefined;
  readonly limits?: ApplyLimits;
  readonly whiteouts: WhiteoutMode;
  readonly signal?: AbortSignal | undefined;
}

export interface AppliedLayer {
  readonly diffID: Digest;
  /** Bytes of the uncompressed layer. */
  readonly size: number;
  readonly entries: number;
  /** Devices that were left out for lack of privilege. */
  readonly skipped: number;
}

let threads: JobThreads<ApplyJob, AppliedLayer> | undefined;

/**
 * Puts a layer into the tree at `root`, which is exclusively the caller's: read, decompressed, hashed and applied in one
 * pass, in a worker thread. image-spec 1.1 layer.md "Applying Changesets"; docs/layer-invariants.md. After a failure the
 * tree is half made and to be thrown away; nothing outside it was changed.
 *
 * With `whiteouts: 'overlay'` `root` is the upper folder of an overlay, and links of lower layers are not seen: only for
 * layers that have an entry for each folder on their paths.
 *
 * @throws HawserError LAYER_ENTRY_INVALID (names the entry), LAYER_INVALID (broken, or over a limit), DIGEST_INVALID,
 *   COMPRESSION_INVALID, REQUIREMENT_MISSING, NO_SPACE, PERMISSION_DENIED, ABORTED
 */
export async function applyLayer(
  source: LayerSource,
  root: string,
  options: ApplyOptions,
): Promise<AppliedLayer> {
  const { diffID, limits = {}, whiteouts, signal } = options;
  threads ??= new JobThreads('layers/workers/apply.worker');
  return threads.run({ source, root, whiteouts, limits, diffID }, signal);
}
