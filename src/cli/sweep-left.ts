import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../errors/hawser-error.ts';
import { isRunning } from '../util/process-identity.ts';
import type { Roots } from '../util/roots.ts';

/** Folders whose names begin with their owner's `<pid>-<start>`, `keep~` but for. */
const owned = (roots: Roots) => ({
  snapshots: ['overlay', 'copy'].map(kind => join(roots.root, 'snapshots', kind, 'active')),
  steps: [join(roots.run, 'steps')],
});

function hasDeadOwner(folder: string): boolean {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
  return names.some(name => {
    const [, pid, start = ''] = /^(\d+)-(\d+)/.exec(name) ?? [];
    return pid !== undefined && !isRunning({ pid: Number(pid), start });
  });
}

/**
 * Ends and removes what killed processes left of steps and snapshots. A build whose steps are all cached would open
 * neither; it looks into three folders, and loads nothing where they are empty.
 */
export async function sweepLeft(roots: Roots): Promise<void> {
  const { snapshots, steps } = owned(roots);
  if (steps.some(hasDeadOwner)) await (await import('../runtime/run-step.ts')).sweepLeftSteps(roots.run);
  if (snapshots.some(hasDeadOwner)) await (await import('./prepare-image.ts')).openSnapshots(roots);
}
