import { stat } from 'node:fs/promises';
import type { Digest } from '../image/digest.ts';
import { JobThreads } from '../util/worker-jobs.ts';
import { type ApplyJob, checkDiffID } from './apply-job.ts';
import type { WhiteoutMode } from './apply-tree.ts';
import type { LayerSource } from './compression-file.ts';
import type { DigestJob } from './digest-job.ts';

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

let applyThreads: JobThreads<ApplyJob, AppliedLayer> | undefined;
let digestThreads: JobThreads<DigestJob, Digest> | undefined;

/** Below this, a second thread costs more than it saves. */
const digestApartFrom = 16 * 1024 * 1024;

/**
 * A plain layer is hashed by a second thread that reads it beside the first, for hashing takes a third of the time; the
 * blob is a file of the store, which does not change.
 */
async function applyAndDigest(job: ApplyJob, signal: AbortSignal | undefined): Promise<AppliedLayer> {
  applyThreads ??= new JobThreads('layers/workers/apply.worker');
  digestThreads ??= new JobThreads('layers/workers/digest.worker');
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const failures: unknown[] = [];
  const guarded = async <Result>(running: Promise<Result>): Promise<Result | undefined> => {
    try {
      return await running;
    } catch (error) {
      failures.push(error);
      stop.abort(error);
      return undefined;
    }
  };
  const algorithm = job.diffID?.startsWith('sha512:') === true ? 'sha512' : 'sha256';
  const [applied, found] = await Promise.all([
    guarded(applyThreads.run({ ...job, digest: false }, { signal: either })),
    guarded(digestThreads.run({ path: job.source.path, algorithm }, { signal: either })),
  ]);
  if (applied === undefined || found === undefined) throw failures[0];
  checkDiffID(found, job.diffID);
  return { ...applied, diffID: found };
}

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
  const job: ApplyJob = { source, root, whiteouts, limits, diffID, digest: true };
  const { growing } = source;
  if (growing === undefined && source.compression === 'uncompressed') {
    if ((await sizeOf(source.path)) >= digestApartFrom) return applyAndDigest(job, signal);
  }
  applyThreads ??= new JobThreads('layers/workers/apply.worker');
  return applyThreads.run(job, { signal, ...(growing === undefined ? {} : { transfer: [growing.port] }) });
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path)).size;
}
