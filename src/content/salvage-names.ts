import { isHawserError } from '../errors/hawser-error.ts';
import type { Descriptor } from '../image/descriptor.ts';
import { type Digest, isDigest } from '../image/digest.ts';
import { manifestSizeLimit } from '../image/manifest.ts';
import { findMissingContent } from './check-image.ts';
import { readManifest } from './read-blob.ts';
import type { LayoutStore } from './store.ts';

/** image-spec 1.1 annotations.md */
const NAME_ANNOTATION = 'org.opencontainers.image.ref.name';

/**
 * Names again what a damaged index.json named: the entries that can still be read get their names back, and every other
 * whole image stands under its own digest, so that no collection takes it.
 *
 * @param text The damaged file.
 */
export async function salvageNames(store: LayoutStore, text: string): Promise<void> {
  const named = new Set<Digest>();
  for (const { name, descriptor } of readableEntries(text)) {
    if ((await findMissingContent(store, descriptor, new Set<Digest>())) !== undefined) continue;
    await store.references.set(name, descriptor);
    named.add(descriptor.digest);
  }
  const images = new Map<Digest, Descriptor>();
  const referred = new Set<Digest>();
  for await (const info of store.list()) {
    if (info.size > manifestSizeLimit) continue;
    try {
      const document = await readManifest(store, info);
      images.set(info.digest, { mediaType: document.mediaType, ...info });
      if (document.kind === 'index') for (const child of document.value.manifests) referred.add(child.digest);
    } catch (error) {
      if (!isHawserError(error)) throw error; // a config or a layer
    }
  }
  for (const [digest, descriptor] of images) {
    if (named.has(digest) || referred.has(digest)) continue;
    if ((await findMissingContent(store, descriptor, new Set<Digest>())) === undefined)
      await store.references.set(digest, descriptor);
  }
}

function readableEntries(
  text: string,
): readonly { readonly name: string; readonly descriptor: Descriptor }[] {
  let manifests: unknown;
  try {
    manifests = (JSON.parse(text) as { manifests?: unknown } | null)?.manifests;
  } catch {
    return []; // no JSON at all
  }
  if (!Array.isArray(manifests)) return [];
  return (manifests as (Partial<Descriptor> | null)[]).flatMap(entry => {
    const { mediaType, digest, size, annotations } = entry ?? {};
    const name = annotations?.[NAME_ANNOTATION];
    const sound = typeof mediaType === 'string' && typeof digest === 'string' && isDigest(digest);
    if (!sound || typeof name !== 'string' || typeof size !== 'number') return [];
    const { [NAME_ANNOTATION]: _name, ...others } = annotations ?? {};
    const rest = Object.keys(others).length === 0 ? {} : { annotations: others };
    return [{ name, descriptor: { mediaType, digest, size, ...rest } }];
  });
}
