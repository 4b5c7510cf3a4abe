import type { Digest } from '../../image/digest.ts';
import type { RepositoryView } from './repository-view.ts';

/**
 * The manifests of a repository that stay where those without a tag may go: what `roots` names, the children of indexes
 * that stay, and the referrers (signatures, bills of materials) of what stays.
 */
export function liveManifests(
  { manifests }: Pick<RepositoryView, 'manifests'>,
  roots: Iterable<Digest>,
): ReadonlySet<Digest> {
  const referrers = new Map<Digest, Digest[]>();
  for (const [digest, { subject }] of manifests) {
    if (subject !== undefined) referrers.set(subject, [...(referrers.get(subject) ?? []), digest]);
  }
  const live = new Set<Digest>();
  const waiting = [...roots];
  for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
    const found = manifests.get(digest);
    if (found === undefined || live.has(digest)) continue;
    live.add(digest);
    waiting.push(...found.children, ...(referrers.get(digest) ?? []));
  }
  return live;
}

/** Everything that the given manifests refer to. */
export function referencedBy(
  { manifests }: Pick<RepositoryView, 'manifests'>,
  digests: Iterable<Digest>,
): ReadonlySet<Digest> {
  const referenced = new Set<Digest>();
  for (const digest of digests) {
    for (const each of manifests.get(digest)?.all ?? []) referenced.add(each);
  }
  return referenced;
}
