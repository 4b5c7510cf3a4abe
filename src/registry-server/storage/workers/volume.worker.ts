import { messageOf, systemErrorCode } from '../../../errors/hawser-error.ts';
import { serveJobs } from '../../../util/worker-jobs.ts';
import { changeVolume, type VolumeChange } from '../volume-changes.ts';

/** Why a job failed; undefined where it did not. */
export type ChangeFailure = { readonly code: string | undefined; readonly message: string } | undefined;

serveJobs((changes: readonly VolumeChange[]): ChangeFailure => {
  try {
    changeVolume(changes);
    return undefined;
  } catch (error) {
    return { code: systemErrorCode(error), message: messageOf(error) };
  }
});
