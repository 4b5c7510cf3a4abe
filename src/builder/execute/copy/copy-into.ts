import { rmSync } from 'node:fs';
import type { PackedLayer } from '../../../layers/commit-layer.ts';
import type { WrittenLayer } from '../../../layers/diff-writer.ts';
import { throwIfAborted } from '../../../util/abort.ts';
import { copyInThread } from '../step-threads.ts';
import { type CopyTarget, EntryCopier } from './copy-entries.ts';
import { type CopySource, listingsOf } from './copy-source.ts';
import type { CopyPacker, PackPlan } from './pack-copy.ts';
import type { SourceListing } from './source-entry.ts';
import { SourceRecord } from './source-record.ts';

/** What a thread is given. */
export interface CopyJob {
  readonly sources: readonly CopySource[];
  readonly target: CopyTarget;
  /** A layer is made in the same pass. */
  readonly pack?: PackPlan;
}

/** What came of a copy. */
export interface CopyResult {
  /** What was copied, as `SourceRecord` has it; undefined where something changed while it was read. */
  readonly fingerprint: string | undefined;
  /** Undefined where it was not asked for, or only comparing can tell it. */
  readonly layer?: WrittenLayer | undefined;
}

export interface CopyIntoOptions {
  /** A new file of the store for the layer, where the caller wants it; and the latest time in it. */
  readonly newFile?: () => Promise<string>;
  readonly latest?: number | undefined;
  /** Nobody reads the files in this build: the layer alone will do. */
  readonly unread?: boolean;
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
 * @throws HawserError CONFLICT, NO_SPACE, CONTEXT_INVALID, and for archives what `extractArchive` throws
 */
export async function copyInto(
  job: CopyJob,
  options: CopyIntoOptions,
): Promise<CopyResult & { readonly packed?: PackedLayer }> {
  const { entries, size, signal, newFile } = options;
  if (entries < largeEntries && size < largeSize) return copyAll(job, signal);
  if (newFile === undefined) return copyInThread(job, signal);
  const { makeFreshFolder } = await import('./pack-copy.ts');
  const folder = makeFreshFolder(job);
  if (folder === undefined) return copyInThread(job, signal);
  const path = await newFile();
  const pack = { folder, path, latest: options.latest, only: options.unread === true };
  const target = { ...job.target, folderTime: Date.now() };
  try {
    const result = await copyInThread({ ...job, target, pack }, signal);
    const { layer } = result;
    if (layer !== undefined) return { ...result, packed: { path, layer, isAlone: pack.only } };
    return pack.only ? await copyInThread({ ...job, target }, signal) : result;
  } catch (error) {
    rmSync(path, { force: true }); // of a thread that was stopped
    throw error;
  }
}

/** The work itself, in the thread that calls it. */
export async function copyAll(job: CopyJob, signal?: AbortSignal): Promise<CopyResult> {
  if (job.pack === undefined) return { fingerprint: await copySources(job, { signal }) };
  if (job.pack.only) return (await import('./pack-only.ts')).packOnly(job, job.pack);
  const { CopyPacker } = await import('./pack-copy.ts');
  const packer = new CopyPacker(job.pack, job.target);
  try {
    const fingerprint = await copySources(job, { signal, packer });
    return { fingerprint, layer: packer.end() };
  } catch (error) {
    packer.abandon();
    throw error;
  }
}

async function copySources(
  { sources, target }: CopyJob,
  { signal, packer }: { readonly signal?: AbortSignal | undefined; readonly packer?: CopyPacker },
): Promise<string | undefined> {
  const copier = new EntryCopier(target, packer);
  const watched = new SourceRecord();
  for (const source of sources) {
    for (const listing of listingsOf(source) ?? []) {
      throwIfAborted(signal);
      const record = source.watch ? watched : undefined;
      if (source.unpack && (await extracted(listing, target, signal))) record?.add(listing.top);
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
