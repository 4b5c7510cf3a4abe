import type { DiffJob, WrittenLayer } from '../../layers/diff-writer.ts';
import type { JobThreads } from '../../util/worker-jobs.ts';
import type { CopyJob, CopyResult } from './copy/copy-into.ts';

/** A large COPY and the layer made of it take turns in one thread: starting a second takes as long as hundreds of files. */
export type StepJob =
  | { readonly kind: 'copy'; readonly job: CopyJob }
  | { readonly kind: 'diff'; readonly job: DiffJob };

let threads: JobThreads<StepJob, CopyResult | WrittenLayer> | undefined;

async function run(job: StepJob, signal: AbortSignal | undefined) {
  if (threads === undefined) {
    const { JobThreads } = await import('../../util/worker-jobs.ts');
    threads ??= new JobThreads('builder/workers/step.worker');
  }
  return threads.run(job, { signal });
}

/** As `copyAll`. */
export async function copyInThread(job: CopyJob, signal?: AbortSignal): Promise<CopyResult> {
  return (await run({ kind: 'copy', job }, signal)) as CopyResult;
}

/** As `writeLayer`. */
export async function packInThread(job: DiffJob, signal?: AbortSignal): Promise<WrittenLayer> {
  return (await run({ kind: 'diff', job }, signal)) as WrittenLayer;
}
