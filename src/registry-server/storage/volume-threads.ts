import { JobThreads } from '../../util/worker-jobs.ts';
import type { VolumeChange } from './volume-changes.ts';
import type { ChangeFailure } from './workers/volume.worker.ts';

/** As many as the system calls of Node have: what waits for the disk is not to wait for one another. */
const THREADS = 4;

/** Of the whole process; none before something is written, since a registry that is only read from needs none. */
let threads: JobThreads<readonly VolumeChange[], ChangeFailure> | undefined;

/** Makes changes in their order, in a thread that waits for the disk. @throws an error with the system's `code` */
export async function changeInThread(changes: readonly VolumeChange[]): Promise<void> {
  threads ??= new JobThreads('registry-server/storage/workers/volume.worker', THREADS);
  const failure = await threads.run(changes);
  if (failure !== undefined) throw Object.assign(new Error(failure.message), { code: failure.code });
}
