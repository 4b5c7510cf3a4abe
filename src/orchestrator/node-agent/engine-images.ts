import { resolveImage, type StoredImage } from '../../content/resolve-image.ts';
import type { LayoutStore } from '../../content/store.ts';
import { isHawserError } from '../../errors/hawser-error.ts';
import { formatReference, parseReference, withDefaultTag } from '../../image/reference.ts';
import { despitePruning } from '../../layers/despite-pruning.ts';
import type { Snapshotter } from '../../layers/snapshotter.ts';
import { unpackImage } from '../../layers/unpack-image.ts';
import { pullImage } from '../../registry-client/pull.ts';
import { createTransport } from '../../registry-client/transport.ts';
import type { ContainerImage } from '../../runtime/container-types.ts';
import type { ImageInfo, PodImages } from './pod-runtime.ts';

export interface EngineImages extends PodImages {
  /** Makes something of an image, unpacked and under a lease until `use` has ended. */
  useImage<Result>(reference: string, use: (image: ContainerImage) => Promise<Result>): Promise<Result>;
}

function infoOf(reference: string, { config }: StoredImage): ImageInfo {
  const user = config.value.config?.User ?? '';
  return { reference, id: config.digest, ...(user === '' ? {} : { user }) };
}

async function pullInto(
  { store, snapshotter }: { readonly store: LayoutStore; readonly snapshotter: Snapshotter },
  name: string,
  signal: AbortSignal,
): Promise<StoredImage> {
  const reference = withDefaultTag(parseReference(name));
  const full = formatReference(reference);
  const lease = await store.leases.acquire(`pod pull ${full}`);
  const transport = createTransport();
  try {
    const pulled = await pullImage(transport, reference, {
      store,
      lease,
      signal,
      beside: (image, options) => unpackImage(store, snapshotter, image, options),
    });
    await store.references.set(full, pulled.descriptor);
    return { name: full, ...pulled };
  } finally {
    transport.close();
    await lease.release();
  }
}

/** Images of pods in hawser's own store: what was built here is there already. */
export function engineImages(store: LayoutStore, snapshotter: Snapshotter): EngineImages {
  return {
    async imageStatus(reference) {
      try {
        return infoOf(reference, await resolveImage(store, reference));
      } catch (error) {
        if (isHawserError(error, 'IMAGE_UNKNOWN')) return undefined;
        throw error;
      }
    },
    async pullImage(reference, signal) {
      return infoOf(reference, await pullInto({ store, snapshotter }, reference, signal));
    },
    async useImage(reference, use) {
      const lease = await store.leases.acquire(`pod container of ${reference}`);
      try {
        const image = await resolveImage(store, reference);
        await lease.add(image.manifest.digest);
        return await despitePruning(async () => {
          const chainID = await unpackImage(store, snapshotter, image);
          return use({ name: reference, id: image.config.digest, config: image.config.value, chainID });
        });
      } finally {
        await lease.release();
      }
    },
  };
}
