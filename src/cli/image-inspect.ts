import { listReferrers } from '../content/referrers.ts';
import { isUntaggedName, type StoredImage } from '../content/resolve-image.ts';
import type { ContentStore } from '../content/store.ts';
import { familiarReference, parseReference } from '../image/reference.ts';
import { predicateTypeAnnotation } from '../image/referrers.ts';

/** What `docker image inspect` shows of an image, in its field names, from what the store has. */
export async function inspectImage(store: ContentStore, image: StoredImage): Promise<object> {
  const config = image.config.value;
  const names = (await store.references.list()).filter(
    ({ descriptor }) => descriptor.digest === image.descriptor.digest,
  );
  const references = names
    .filter(({ name }) => !isUntaggedName(name))
    .map(({ name }) => parseReference(name));
  return {
    Id: image.config.digest,
    RepoTags: references.filter(reference => reference.tag !== undefined).map(familiarReference),
    RepoDigests: [
      ...new Set(
        references.map(
          ({ domain, path }) => `${familiarReference({ domain, path })}@${image.descriptor.digest}`,
        ),
      ),
    ],
    Created: config.created,
    Author: config.author ?? '',
    Architecture: config.architecture,
    Variant: config.variant,
    Os: config.os,
    Size: image.manifest.value.layers.reduce((sum, layer) => sum + layer.size, 0),
    Config: config.config ?? {},
    RootFS: { Type: 'layers', Layers: config.rootfs.diff_ids },
    Attestations: (await listReferrers(store, image.manifest.digest)).map(
      ({ digest, artifactType, annotations }) => ({
        Digest: digest,
        Type: annotations?.[predicateTypeAnnotation] ?? artifactType,
      }),
    ),
    Descriptor: image.descriptor,
    Manifest: { digest: image.manifest.digest, ...image.manifest.value },
  };
}
