import { throwIfAborted } from '../../../util/abort.ts';
import { copyInThread } from '../step-threads.ts';
import { type CopyTarget, EntryCopier } from './copy-entries.ts';
import { type CopySource, listingsOf } from './copy-source.ts';
import type { SourceListing } from './source-entry.ts';
import { SourceRecord } from './source-record.ts';

/** What a thread is given. */
export interface CopyJob {
  readonly sources: readonly CopySource[];
  readonly target: CopyTarget;
}

export interface CopyIntoOptions {
  /** What was counted of the sources before. */
  readonly entries: number;
  /** Bytes of all files. */
  readonly size: number;
  readonly signal: AbortSignal;
}

/** Copies above this size leave the main thread, so that other steps and the progress go on. */
const largeEntries = 1500;
const largeSize = 48 * 1024 * 1024;

/**
 * COPY and ADD: puts the sources into an image's files, in their order.
 *
 * @returns what was copied, as `SourceRecord` has it; undefined where something changed while it was read
 * @throws HawserError CONFLICT, NO_SPACE, CONTEXT_INVALID, and for archives what `extractArchive` throws
 */
export async function copyInto(job: CopyJob, options: CopyIntoOptions): Promise<string | undefined> {
  if (options.entries < largeEntries && options.size < largeSize) return copyAll(job, options.signal);
  return copyInThread(job, options.signal);
}

/** The work itself, in the thread that calls it. */
export async function copyAll(job: CopyJob, signal?: AbortSignal): Promise<string | undefined> {
  const copier = new EntryCopier(job.target);
  const watched = new SourceRecord();
  for (const source of job.sources) {
    for (const listing of listingsOf(source) ?? []) {
      throwIfAborted(signal);
      const record = source.watch ? watched : undefined;
      if (source.unpack && (await extracted(listing, job.target, signal))) record?.add(listing.top);
      else copier.copy(listing, record);
    }
  }
  return copier.changed ? undefined : watched.fingerprint();
}

/** False for what is no archive. */
async function extracted(
  { top }: SourceListing,
  target: CopyTarget,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (top.type !== 'file' || top.inline !== undefined) return false;
  const { extractArchive, isArchive } = await import('./extract-archive.ts');
  if (!(await isArchive(top.location))) return false;
  await extractArchive(top.location, target, { signal });
  return true;
}
