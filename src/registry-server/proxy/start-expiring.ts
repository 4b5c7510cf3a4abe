import type { Logger } from '../log/logger.ts';
import { Periodic } from '../maintenance/periodic.ts';
import type { GarbageNotes } from '../registry-context.ts';
import type { Volume } from '../storage/volume.ts';

const SHORTEST = 1000;
const LONGEST = 3_600_000;

export interface ExpiryParts {
  readonly volume: Volume;
  readonly garbage: GarbageNotes | undefined;
  readonly logger: Logger;
}

/** Gives up manifests that came from upstream longer than `ttl` milliseconds ago, with their tags; blobs go as garbage. Lists of referrers go too. */
export async function expireManifests(
  { volume, garbage }: Omit<ExpiryParts, 'logger'>,
  ttl: number,
  signal?: AbortSignal,
): Promise<number> {
  const { manifests, tags, knownReferrers } = volume;
  let count = 0;
  for await (const name of volume.repositories()) {
    for (const { canonical } of await manifests.list(name)) {
      signal?.throwIfAborted();
      const fetchedAt = await manifests.pushedAt(name, canonical);
      if (fetchedAt === undefined || fetchedAt > Date.now() - ttl) continue;
      const note = await garbage?.beforeDelete(name, canonical);
      await tags.removeAllOf(name, await manifests.digestsOf(name, canonical));
      await manifests.remove(name, canonical);
      note?.();
      count++;
    }
  }
  await knownReferrers.expire(Date.now() - ttl);
  return count;
}

/** Does so again and again. */
export function startExpiring(parts: ExpiryParts, ttl: number): Periodic {
  const interval = Math.min(Math.max(ttl / 4, SHORTEST), LONGEST);
  const options = { name: 'proxy expiry', delay: interval, interval, logger: parts.logger };
  return new Periodic(options, async signal => {
    const count = await expireManifests(parts, ttl, signal);
    if (count > 0)
      parts.logger.log('info', 'gave up what came from upstream long ago', { 'proxy.manifests': count });
  });
}
