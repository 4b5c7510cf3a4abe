import type { JobThreads } from '../../../layers/worker-jobs.ts';
import { type CopyTarget, copyListings } from './copy-entries.ts';
import type { SourceListing } from './source-entry.ts';

export interface CopyIntoOptions {
  readonly target: CopyTarget;
  /** Archives are extracted instead of copied. */
  readonly unpack: boolean;
  readonly signal: AbortSignal;
}

/** Copies above this size leave the main thread, so that other steps and the progress go on. */
const LARGE_ENTRIES = 1500;
const LARGE_SIZE = 48 * 1024 * 1024;

/** COPY and ADD: puts the listed sources into an image's files, in their order. */
export async function copyInto(listings: readonly SourceListing[], options: CopyIntoOptions): Promise<void> {
  const { target, signal } = options;
  if (!options.unpack) return copyMany(listings, target, signal);
  const { extractArchive, isArchive } = await import('./extract-archive.ts');
  for (const listing of listings) {
    const [top] = listing.entries;
    const isPlainFile = top?.type === 'file' && top.inline === undefined;
    if (isPlainFile && (await isArchive(top.location)))
      await extractArchive(top.location, target, { signal });
    else await copyMany([listing], target, signal);
  }
}

async function copyMany(
  listings: readonly SourceListing[],
  target: CopyTarget,
  signal: AbortSignal,
): Promise<void> {
  const entries = listings.reduce((sum, listing) => sum + listing.entries.length, 0);
  const size = listings.reduce(
    (sum, { entries }) => entries.reduce((bytes, entry) => bytes + entry.size, sum),
    0,
  );
  if (entries < LARGE_ENTRIES && size < LARGE_SIZE) return copyListings(listings, target);
  const module = await import('../../../layers/worker-jobs.ts');
  threads ??= new module.JobThreads('builder/workers/copy.worker');
  await threads.run({ listings, target }, signal);
}

/** What a thread is given. */
export interface CopyJob {
  readonly listings: readonly SourceListing[];
  readonly target: CopyTarget;
}

let threads: JobThreads<CopyJob, void> | undefined;
