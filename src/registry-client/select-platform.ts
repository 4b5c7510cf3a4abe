import { HawserError } from '../errors/hawser-error.ts';
import type { Descriptor } from '../image/descriptor.ts';
import { formatPlatform, type Platform, selectPlatform } from '../image/platform.ts';
import { formatReference, type Reference } from '../image/reference.ts';

/** Indexes within indexes that are followed. */
export const indexDepthLimit = 4;

/** The manifest of an index for a platform. @throws HawserError PLATFORM_UNAVAILABLE that names those which it has */
export function requirePlatform(
  reference: Reference,
  manifests: readonly Descriptor[],
  platform: Platform,
): Descriptor {
  const selected = selectPlatform(manifests, platform);
  if (selected !== undefined) return selected;
  const known = manifests.flatMap(({ platform: offered }) =>
    offered === undefined || offered.os === 'unknown' ? [] : [formatPlatform(offered)],
  );
  throw new HawserError(
    'PLATFORM_UNAVAILABLE',
    `${formatReference(reference)} has no image for ${formatPlatform(platform)}`,
    {
      remedy:
        known.length === 0 ? 'It has none at all.' : `It has ${known.join(', ')}: choose with --platform.`,
    },
  );
}
