import { HawserError } from '../errors/hawser-error.ts';
import { parsePlatform } from '../image/platform.ts';
import type { ContainerEngine } from '../runtime/container-engine.ts';
import { findContainer } from '../runtime/container-state.ts';
import type { Container } from '../runtime/container-types.ts';
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
    image => createContainer(engine, { ...request, image }),
  );
}
