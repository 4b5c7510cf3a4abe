import type { ContainerEngine } from '../runtime/container-engine.ts';
import type { Roots } from '../util/roots.ts';
import { openSnapshots } from './prepare-image.ts';

/** The containers of these roots, cleaned of what killed processes left. */
export async function openContainers(roots: Roots): Promise<ContainerEngine> {
  const [{ openContainerEngine }, { sweepContainers }, snapshotter] = await Promise.all([
    import('../runtime/container-engine.ts'),
    import('../runtime/cleanup-container.ts'),
    openSnapshots(roots),
  ]);
  const executable = process.argv[1] ?? 'hawser';
  const engine = await openContainerEngine({
    ...roots,
    snapshotter,
    cleanupCommand: [process.execPath, ...process.execArgv, executable, 'container', 'cleanup'],
    env: process.env,
  });
  await sweepContainers(engine);
  return engine;
}
