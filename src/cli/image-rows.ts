import { resolveImage } from '../content/resolve-image.ts';
import type { ContentStore, NamedDescriptor } from '../content/store.ts';
import { isHawserError } from '../errors/hawser-error.ts';
import { familiarReference, parseReference, repositoryOf } from '../image/reference.ts';

/** A line of `image ls`, with Docker's field names. */
export interface ImageRow {
  readonly Repository: string;
  readonly Tag: string;
  /** Digest of what the name points at: a manifest or an index. */
  readonly Digest: string;
  /** Digest of the image config, as in Docker. */
  readonly ID: string;
  readonly CreatedAt: string | undefined;
  /** Bytes of config and layers as they are stored. */
  readonly Size: number;
}

async function rowOf(store: ContentStore, { name, descriptor }: NamedDescriptor): Promise<ImageRow> {
  const reference = parseReference(name);
  const familiar = familiarReference({ domain: reference.domain, path: reference.path });
  try {
    const image = await resolveImage(store, name);
    const layers = image.manifest.value.layers.reduce((sum, layer) => sum + layer.size, 0);
    return {
      Repository: familiar,
      Tag: reference.tag ?? '<none>',
      Digest: descriptor.digest,
      ID: image.config.digest,
      CreatedAt: image.config.value.created,
      Size: layers + image.manifest.value.config.size,
    };
  } catch (error) {
    // An index may hold no image for this machine: it is listed all the same, so that it can be pushed or removed.
    if (!isHawserError(error, 'PLATFORM_UNAVAILABLE')) throw error;
    const { digest, size } = descriptor;
    return {
      Repository: familiar,
      Tag: reference.tag ?? '<none>',
      Digest: digest,
      ID: digest,
      CreatedAt: undefined,
      Size: size,
    };
  }
}

/** The named images, newest first; only those of `wanted` (REPOSITORY or REPOSITORY:TAG) where it is given. */
export async function listImageRows(store: ContentStore, wanted: string | undefined): Promise<ImageRow[]> {
  const filter = wanted === undefined ? undefined : parseReference(wanted);
  const rows: ImageRow[] = [];
  for (const named of await store.references.list()) {
    const reference = parseReference(named.name);
    if (filter !== undefined && repositoryOf(filter) !== repositoryOf(reference)) continue;
    if (filter?.tag !== undefined && filter.tag !== reference.tag) continue;
    rows.push(await rowOf(store, named));
  }
  return rows.sort((left, right) => (right.CreatedAt ?? '').localeCompare(left.CreatedAt ?? ''));
}
