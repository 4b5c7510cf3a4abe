import { HawserError } from '../errors/hawser-error.ts';
import { formatPlatform, hostPlatform, parsePlatform, platformRank } from '../image/platform.ts';
import type { ContainerEngine } from '../runtime/container-engine.ts';
import { findContainer } from '../runtime/container-state.ts';
import type { Container, ContainerImage } from '../runtime/container-types.ts';
import { createContainer } from '../runtime/create-container.ts';
import type { Roots } from '../util/roots.ts';
import { type ContainerFlags, containerRequest } from './container-flags.ts';
import { openImages } from './open-images.ts';
import { type PullPolicy, useImage } from './prepare-image.ts';

/** What `run` and `create` share: fetches and unpacks the image, makes the container. */
export async function createFromFlags(
  roots: Roots,
  engine: ContainerEngine,
  options: {
    readonly flags: ContainerFlags;
    readonly words: readonly string[];
    readonly signal: AbortSignal;
  },
): Promise<Container> {
  const { flags, signal } = options;
  const [name, ...args] = options.words;
  if (name === undefined) {
    throw new HawserError('INVALID_ARGUMENT', 'an image must be named', {
      remedy: 'See --help.',
      exitCode: 125,
    });
  }
  const request = containerRequest(flags, args, text => findContainer(engine, text).record.id);
  return useImage(
    { store: await openImages(roots), snapshotter: engine.snapshotter },
    {
      name,
      pull: flags.pull as PullPolicy,
      platform: flags.platform === undefined ? undefined : parsePlatform(flags.platform),
      quiet: flags.quiet,
      signal,
    },
    async image => {
      await warnOfPlatform(image);
      return createContainer(engine, { ...request, image });
    },
  );
}

/** Else all that is said is `exec format error`, by the runtime. */
async function warnOfPlatform({ name, config }: ContainerImage): Promise<void> {
  if (platformRank(config, hostPlatform()) !== undefined || config.architecture === '') return;
  const { obstacleFor } = await import('../runtime/emulation.ts');
  const obstacle = obstacleFor(config);
  if (obstacle === undefined) return;
  const { why, remedy } = obstacle;
  const end = remedy === undefined ? '' : `\n  ${remedy}.`;
  process.stderr.write(
    `hawser: ${name} is for ${formatPlatform(config)}, which may not run here: ${why}${end}\n`,
  );
}
