import { type DiffJob, writeLayer } from '../diff-writer.ts';
import { serveJobs } from '../worker-jobs.ts';

serveJobs((job: DiffJob) => writeLayer(job.changes, job.path, job.options));
