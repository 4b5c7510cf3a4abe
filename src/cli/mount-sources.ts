import { isUntaggedName } from '../content/resolve-image.ts';
import type { ContentStore } from '../content/store.ts';
import { walkImage } from '../content/walk-image.ts';
import type { Digest } from '../image/digest.ts';
import { parseReference, type Reference } from '../image/reference.ts';

/**
 * Other repositories of the reference's registry that have a blob, as far as the names of the store tell: what was pulled from
 * there or pushed to it.
 */
export async function mountSources(
  store: ContentStore,
  reference: Reference,
): Promise<(digest: Digest) => readonly string[]> {
  const sources = new Map<Digest, Set<string>>();
  for (const { name, descriptor } of await store.references.list()) {
    if (isUntaggedName(name)) continue;
    const { domain, path } = parseReference(name);
    if (domain !== reference.domain || path === reference.path) continue;
    for await (const { digest } of walkImage(store, descriptor)) {
      const paths = sources.get(digest) ?? new Set();
      sources.set(digest, paths.add(path));
    }
  }
  return digest => [...(sources.get(digest) ?? [])];
}
