import { type WrittenLayer, writeLayer } from '../../layers/diff-writer.ts';
import { serveJobs } from '../../layers/worker-jobs.ts';
import { copyAll } from '../execute/copy/copy-into.ts';
import type { StepJob } from '../execute/step-threads.ts';

function work({ kind, job }: StepJob): WrittenLayer | Promise<string | undefined> {
  return kind === 'copy' ? copyAll(job) : writeLayer(job.changes, job.path, job.options);
}

serveJobs<StepJob, WrittenLayer | string | undefined>(work);
