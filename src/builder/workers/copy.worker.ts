import { serveJobs } from '../../layers/worker-jobs.ts';
import { type CopyJob, copyAll } from '../execute/copy/copy-into.ts';

serveJobs((job: CopyJob) => copyAll(job));
