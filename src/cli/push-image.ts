import { resolveImage } from '../content/resolve-image.ts';
import type { LayoutStore } from '../content/store.ts';
import type { Descriptor } from '../image/descriptor.ts';
import type { LayerCompression } from '../image/media-types.ts';
import type { Platform } from '../image/platform.ts';
import { formatReference, parseReference, withDefaultTag } from '../image/reference.ts';
import { prepareLayer } from '../layers/compress-layer.ts';
import { pushImage } from '../registry-client/push.ts';
import { createTransport } from '../registry-client/transport.ts';
import { TransferProgress } from './transfer-progress.ts';

export interface PushFromStoreOptions {
  readonly compression: LayerCompression;
  readonly level?: number | undefined;
  readonly platform?: Platform | undefined;
  readonly quiet: boolean;
  readonly plainHttp?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Pushes the image of the store that has the name it is pushed to; layers that are plain are compressed on the way. */
export async function pushFromStore(
  store: LayoutStore,
  text: string,
  options: PushFromStoreOptions,
): Promise<{ readonly name: string; readonly descriptor: Descriptor }> {
  const reference = withDefaultTag(parseReference(text));
  const name = formatReference(reference);
  const { descriptor, manifest } = await resolveImage(store, name);
  const progress = new TransferProgress('push', { quiet: options.quiet });
  const transport = createTransport({ plainHttp: options.plainHttp === true });
  const lease = await store.leases.acquire(`push ${name}`);
  try {
    await lease.add(descriptor.digest, manifest.digest);
    const { compression, level, signal } = options;
    const pushed = await pushImage(transport, reference, {
      store,
      descriptor:
        options.platform === undefined
          ? descriptor
          : { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.length },
      platform: options.platform,
      prepareLayer: layer => prepareLayer(store, layer, { compression, level, lease, signal }),
      onProgress: event => progress.update(event),
      signal,
    });
    return { name, descriptor: pushed };
  } finally {
    transport.close();
    progress.stop();
    await lease.release();
  }
}
