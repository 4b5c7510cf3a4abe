import { isUntaggedName, loadImage } from '../content/resolve-image.ts';
import type { ContentStore, NamedDescriptor } from '../content/store.ts';
import { isHawserError } from '../errors/hawser-error.ts';
import { familiarReference, parseReference, type Reference, repositoryOf } from '../image/reference.ts';

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
  const reference = isUntaggedName(name) ? undefined : parseReference(name);
  const names = {
    Repository:
      reference === undefined
        ? '<none>'
        : familiarReference({ domain: reference.domain, path: reference.path }),
    Tag: reference?.tag ?? '<none>',
    Digest: descriptor.digest,
  };
  try {
    const image = await loadImage(store, { name, descriptor });
    const layers = image.manifest.value.layers.reduce((sum, layer) => sum + layer.size, 0);
    return {
      ...names,
      ID: image.config.digest,
      CreatedAt: image.config.value.created,
      Size: layers + image.manifest.value.config.size,
    };
  } catch (error) {
    // An index without an image for this machine, or a damaged image: listed all the same, so that it can be removed.
    const isListed = ['PLATFORM_UNAVAILABLE', 'BLOB_UNKNOWN', 'STORE_CORRUPT'];
    if (!isHawserError(error) || !isListed.includes(error.code)) throw error;
    return { ...names, ID: descriptor.digest, CreatedAt: undefined, Size: descriptor.size };
  }
}

function matches(name: string, filter: Reference | undefined): boolean {
  if (filter === undefined) return true;
  if (isUntaggedName(name)) return false;
  const reference = parseReference(name);
  if (repositoryOf(filter) !== repositoryOf(reference)) return false;
  return filter.tag === undefined || filter.tag === reference.tag;
}

/** The named images, newest first; only those of `wanted` (REPOSITORY or REPOSITORY:TAG) where it is given. */
export async function listImageRows(store: ContentStore, wanted: string | undefined): Promise<ImageRow[]> {
  const filter = wanted === undefined ? undefined : parseReference(wanted);
  const rows: ImageRow[] = [];
  for (const named of await store.references.list()) {
    if (matches(named.name, filter)) rows.push(await rowOf(store, named));
  }
  return rows.sort((left, right) => (right.CreatedAt ?? '').localeCompare(left.CreatedAt ?? ''));
}
