import { serveJobs } from '../../util/worker-jobs.ts';
import { runDigestJob } from '../digest-job.ts';

serveJobs(runDigestJob);
