import { serveJobs } from '../../layers/worker-jobs.ts';
import { copyListings } from '../execute/copy/copy-entries.ts';
import type { CopyJob } from '../execute/copy/copy-into.ts';

serveJobs((job: CopyJob) => copyListings(job.listings, job.target));
