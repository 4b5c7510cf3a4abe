import { serveJobs } from '../../util/worker-jobs.ts';
import { type DiffJob, writeLayer } from '../diff-writer.ts';

serveJobs((job: DiffJob) => writeLayer(job.changes, job.path, job.options));
