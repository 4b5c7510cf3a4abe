import { join } from 'node:path';
import { type Collected, collectGarbage } from '../content/gc.ts';
import type { LayoutStore } from '../content/store.ts';
import type { Roots } from '../util/roots.ts';

/** Frees the content that no name, lease, container or build needs. */
export async function collectUnused(roots: Roots, store: LayoutStore): Promise<Collected> {
  const { cachedDigests } = await import('../builder/cache/build-cache.ts');
  return collectGarbage(store, { keep: () => cachedDigests(join(roots.root, 'build-cache')) });
}
