import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Finding } from '../content/finding.ts';
import { messageOf } from '../errors/hawser-error.ts';
import type { Digest } from '../image/digest.ts';
import type { DigestJob } from '../layers/digest-job.ts';
import type { Roots } from '../util/roots.ts';
import { openImages } from './open-images.ts';
import { openSnapshots } from './prepare-image.ts';

export interface FoundProblem extends Omit<Finding, 'repair'> {
  /** `found` without --repair, and where there is nothing that a program can do. */
  readonly outcome: 'found' | 'repaired' | 'failed';
  /** Why the repair failed. */
  readonly error?: string;
}

export interface SystemCheck {
  readonly checked: {
    readonly blobs: number;
    /** Bytes that were hashed. */
    readonly size: number;
    readonly names: number;
    readonly leases: number;
    readonly snapshots: number;
    readonly buildCache: number;
    readonly containers: number;
  };
  readonly problems: readonly FoundProblem[];
  /** Whether everything is well now: nothing was damaged, or all of it was repaired. */
  readonly sound: boolean;
}

/** Checks all that lies below the roots, and repairs what it can where it is told to. */
export async function checkSystem(
  roots: Roots,
  options: { readonly repair: boolean; readonly signal?: AbortSignal | undefined },
): Promise<SystemCheck> {
  const { checked, findings } = await findProblems(roots, options.signal);
  const problems: FoundProblem[] = [];
  for (const finding of findings) problems.push(await settle(finding, options.repair));
  // Mount points are let go by the sweep of whoever opens the snapshots.
  if (options.repair) await openSnapshots(roots);
  const sound = problems.every(({ severity, outcome }) => severity === 'leftover' || outcome === 'repaired');
  return { checked, problems, sound };
}

async function settle(finding: Finding, isRepairing: boolean): Promise<FoundProblem> {
  const { repair, ...told } = finding;
  if (!isRepairing || repair === undefined) return { ...told, outcome: 'found' };
  try {
    await repair();
    return { ...told, outcome: 'repaired' };
  } catch (error) {
    return { ...told, outcome: 'failed', error: messageOf(error) };
  }
}

async function findProblems(roots: Roots, signal: AbortSignal | undefined) {
  const { root, run } = roots;
  const [layout, jobs, snapshotsCheck, cacheCheck, containersCheck] = await Promise.all([
    import('../content/check-layout.ts'),
    import('../util/worker-jobs.ts'),
    import('../layers/check-snapshots.ts'),
    import('../builder/cache/check-build-cache.ts'),
    import('../runtime/check-containers.ts'),
  ]);
  const store = await openImages(roots);
  const threads = availableParallelism();
  const hashing = new jobs.JobThreads<DigestJob, Digest>('layers/workers/digest.worker', threads);
  const content = await layout.checkLayout(store, {
    root: join(root, 'images'),
    state: join(root, 'images-state'),
    hashFile: (path, algorithm) => hashing.run({ path, algorithm }, { signal }),
    threads,
    signal,
  });
  const snapshots = snapshotsCheck.checkSnapshots({ root: join(root, 'snapshots'), run });
  const cache = await cacheCheck.checkBuildCache(join(root, 'build-cache'), store, content.damaged);
  const containers = containersCheck.checkContainers(roots, {
    keys: snapshots.kept,
    discard: async key => (await (await openSnapshots(roots)).find(key))?.discard(),
  });
  const { blobs, size, names, leases } = content;
  return {
    checked: {
      blobs,
      size,
      names,
      leases,
      snapshots: snapshots.count,
      buildCache: cache.count,
      containers: containers.count,
    },
    findings: [content, snapshots, cache, containers].flatMap(({ findings }) => findings),
  };
}
