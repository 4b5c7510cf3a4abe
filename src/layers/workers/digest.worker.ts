import { runDigestJob } from '../digest-job.ts';
import { serveJobs } from '../worker-jobs.ts';

serveJobs(runDigestJob);
