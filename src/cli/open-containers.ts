import type { ContainerEngine } from '../runtime/container-engine.ts';
import type { Roots } from '../util/roots.ts';
import { openSnapshots } from './prepare-image.ts';

/** How this hawser is called to clean up behind a container. */
export function cleanupCommand(): readonly string[] {
  const executable = process.argv[1] ?? 'hawser';
  return [process.execPath, ...process.execArgv, executable, 'container', 'cleanup'];
}

/** The containers of these roots, cleaned of what killed processes left. */
export async function openContainers(roots: Roots): Promise<ContainerEngine> {
  const [{ openContainerEngine }, { sweepContainers }, snapshotter] = await Promise.all([
    import('../runtime/container-engine.ts'),
    import('../runtime/sweep-containers.ts'),
    openSnapshots(roots),
  ]);
  const engine = await openContainerEngine({
    ...roots,
    snapshotter,
    cleanupCommand: cleanupCommand(),
    env: process.env,
  });
  await sweepContainers(engine);
  return engine;
}
