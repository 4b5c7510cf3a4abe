import { join } from 'node:path';
import { withLocalName } from '../content/local-name.ts';
import { resolveImage, type StoredImage } from '../content/resolve-image.ts';
import type { LayoutStore, Lease } from '../content/store.ts';
import { isHawserError } from '../errors/hawser-error.ts';
import type { Platform } from '../image/platform.ts';
import { formatReference, parseReference, withDefaultTag } from '../image/reference.ts';
import type { SnapshotCatalog, Snapshotter } from '../layers/snapshotter.ts';
import type { PullOptions } from '../registry-client/pull.ts';
import type { ContainerImage } from '../runtime/container-types.ts';
import type { Roots } from '../util/roots.ts';
import { TransferProgress } from './transfer-progress.ts';

/** The snapshots of these roots. */
export async function openSnapshots({ root, run }: Roots): Promise<Snapshotter & SnapshotCatalog> {
  const { openSnapshotter } = await import('../layers/open-snapshotter.ts');
  return openSnapshotter({ root: join(root, 'snapshots'), run });
}

export type PullPolicy = 'always' | 'missing' | 'never';

export interface FetchImageOptions {
  readonly pull: PullPolicy;
  readonly platform?: Platform | undefined;
  readonly quiet: boolean;
  /** http for a registry that is not on loopback. */
  readonly plainHttp?: boolean;
  /** Unpacks what is pulled, as it arrives. */
  readonly snapshotter?: Snapshotter;
  readonly signal?: AbortSignal | undefined;
}

function unpackArriving(store: LayoutStore, snapshotter: Snapshotter): NonNullable<PullOptions['beside']> {
  return async (image, options) => {
    const { unpackImage } = await import('../layers/unpack-image.ts');
    await unpackImage(store, snapshotter, image, options);
  };
}

/** Pulls an image into the store under its own name. */
export async function pullIntoStore(
  store: LayoutStore,
  text: string,
  options: Omit<FetchImageOptions, 'pull'>,
): Promise<StoredImage> {
  const [{ pullImage }, { createTransport }] = await Promise.all([
    import('../registry-client/pull.ts'),
    import('../registry-client/transport.ts'),
  ]);
  const { snapshotter } = options;
  const reference = withDefaultTag(parseReference(text));
  const progress = new TransferProgress('pull', { quiet: options.quiet });
  const lease = await store.leases.acquire(`pull ${formatReference(reference)}`);
  const transport = createTransport({ plainHttp: options.plainHttp === true });
  try {
    const pulled = await pullImage(transport, reference, {
      store,
      lease,
      platform: options.platform,
      signal: options.signal,
      onProgress: event => progress.update(event),
      ...(snapshotter === undefined ? {} : { beside: unpackArriving(store, snapshotter) }),
    });
    await store.references.set(formatReference(reference), pulled.descriptor);
    return { name: formatReference(reference), ...pulled };
  } catch (error) {
    throw await withLocalName(store, text, error);
  } finally {
    transport.close();
    progress.stop();
    await lease.release();
  }
}

/**
 * The image that a user names, pulled where the policy says so.
 *
 * @throws HawserError IMAGE_UNKNOWN under `never`, and what pulling throws
 */
export async function fetchImage(
  store: LayoutStore,
  text: string,
  options: FetchImageOptions,
): Promise<StoredImage> {
  if (options.pull !== 'always') {
    try {
      return await resolveImage(
        store,
        text,
        options.platform === undefined ? {} : { platform: options.platform },
      );
    } catch (error) {
      if (options.pull === 'never' || !isHawserError(error, 'IMAGE_UNKNOWN')) throw error;
      if (!options.quiet) process.stderr.write(`Unable to find image '${text}' locally\n`);
    }
  }
  return pullIntoStore(store, text, options);
}

/** The image, under the lease; fetched again where a collection took it between look and lease. */
async function fetchLeased(store: LayoutStore, lease: Lease, options: UseImageOptions): Promise<StoredImage> {
  for (;;) {
    const image = await fetchImage(store, options.name, options);
    await lease.add(image.manifest.digest);
    if ((await store.stat(image.manifest.digest)) !== undefined) return image;
  }
}

type UseImageOptions = FetchImageOptions & { readonly name: string };

/**
 * Makes a container, or what else, of an image, fetched and unpacked. A pruning beside it takes neither the image's
 * content nor, for good, its snapshot, until `use` stands on it.
 */
export async function useImage<Result>(
  parts: { readonly store: LayoutStore; readonly snapshotter: Snapshotter },
  options: UseImageOptions,
  use: (image: ContainerImage) => Promise<Result>,
): Promise<Result> {
  const [{ unpackImage }, { despitePruning }] = await Promise.all([
    import('../layers/unpack-image.ts'),
    import('../layers/despite-pruning.ts'),
  ]);
  const { store, snapshotter } = parts;
  const { name, signal } = options;
  const lease = await store.leases.acquire(`container of ${name}`);
  try {
    const image = await fetchLeased(store, lease, { ...options, snapshotter });
    return await despitePruning(async () => {
      const chainID = await unpackImage(store, snapshotter, image, { signal });
      return use({ name, id: image.config.digest, config: image.config.value, chainID });
    });
  } finally {
    await lease.release();
  }
}
