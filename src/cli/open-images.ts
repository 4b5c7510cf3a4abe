import { join } from 'node:path';
import type { LayoutStore } from '../content/store.ts';
import type { Roots } from '../util/roots.ts';

/** The image store of these roots, made where there is none. */
export async function openImages({ root }: Roots): Promise<LayoutStore> {
  const { openLayoutStore } = await import('../content/layout-store.ts');
  return openLayoutStore(join(root, 'images'), { state: join(root, 'images-state') });
}
