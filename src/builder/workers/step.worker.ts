import { type WrittenLayer, writeLayer } from '../../layers/diff-writer.ts';
import { serveJobs } from '../../util/worker-jobs.ts';
import { type CopyResult, copyAll } from '../execute/copy/copy-into.ts';
import type { StepJob } from '../execute/step-threads.ts';

type Answer = WrittenLayer | CopyResult;

function work({ kind, job }: StepJob): Answer | Promise<Answer> {
  return kind === 'copy' ? copyAll(job) : writeLayer(job.changes, job.path, job.options);
}

serveJobs<StepJob, Answer>(work);
