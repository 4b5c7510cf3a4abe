import { serveJobs } from '../../util/worker-jobs.ts';
import { runApplyJob } from '../apply-job.ts';

serveJobs(runApplyJob);
