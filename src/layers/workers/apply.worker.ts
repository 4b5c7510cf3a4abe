import { runApplyJob } from '../apply-job.ts';
import { serveJobs } from '../worker-jobs.ts';

serveJobs(runApplyJob);
