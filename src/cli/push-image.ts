import { listReferrers } from '../content/referrers.ts';
import { isUntaggedName, resolveImage } from '../content/resolve-image.ts';
import type { LayoutStore } from '../content/store.ts';
import { HawserError } from '../errors/hawser-error.ts';
import type { Descriptor } from '../image/descriptor.ts';
import type { LayerCompression } from '../image/media-types.ts';
import type { Platform } from '../image/platform.ts';
import { formatReference, parseReference, repositoryOf, withDefaultTag } from '../image/reference.ts';
import { prepareLayer } from '../layers/compress-layer.ts';
import { pushImage } from '../registry-client/push.ts';
import { createTransport, type Transport } from '../registry-client/transport.ts';
import { mountSources } from './mount-sources.ts';
import { TransferProgress } from './transfer-progress.ts';

export interface PushFromStoreOptions {
  readonly compression: LayerCompression;
  readonly level?: number | undefined;
  readonly platform?: Platform | undefined;
  readonly quiet: boolean;
  readonly plainHttp?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface PushedImage {
  readonly name: string;
  readonly descriptor: Descriptor;
}

/** The names of a repository in the store, each with its tag. @throws HawserError IMAGE_UNKNOWN, INVALID_ARGUMENT */
async function allTags(store: LayoutStore, text: string): Promise<string[]> {
  const reference = parseReference(text);
  if (reference.tag !== undefined || reference.digest !== undefined) {
    throw new HawserError('INVALID_ARGUMENT', `${JSON.stringify(text)} names one image, not a repository`, {
      remedy: 'Leave out the tag, or --all-tags.',
    });
  }
  const names = (await store.references.list()).map(({ name }) => name).filter(name => !isUntaggedName(name));
  const found = names.filter(name => repositoryOf(parseReference(name)) === repositoryOf(reference));
  if (found.length > 0) return found.sort();
  throw new HawserError('IMAGE_UNKNOWN', `no image of ${JSON.stringify(text)} in the local store`, {
    remedy: `Tag one with hawser image tag IMAGE ${text}:TAG.`,
  });
}

async function pushOne(
  parts: { readonly store: LayoutStore; readonly transport: Transport; readonly progress: TransferProgress },
  name: string,
  options: PushFromStoreOptions,
): Promise<PushedImage> {
  const { store, transport, progress } = parts;
  const reference = parseReference(name);
  const { descriptor, manifest } = await resolveImage(store, name);
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
      mountFrom: await mountSources(store, reference),
      referrersOf: digest => listReferrers(store, digest),
      onProgress: event => progress.update(event),
      signal,
    });
    return { name, descriptor: pushed };
  } finally {
    await lease.release();
  }
}

/**
 * Pushes the image of the store that has the name it is pushed to, or with `allTags` all of a repository; layers that are
 * plain are compressed on the way.
 */
export async function* pushFromStore(
  store: LayoutStore,
  text: string,
  options: PushFromStoreOptions & { readonly allTags?: boolean },
): AsyncGenerator<PushedImage, void> {
  const names =
    options.allTags === true
      ? await allTags(store, text)
      : [formatReference(withDefaultTag(parseReference(text)))];
  const progress = new TransferProgress('push', { quiet: options.quiet });
  const transport = createTransport({ plainHttp: options.plainHttp === true });
  try {
    for (const name of names) yield await pushOne({ store, transport, progress }, name, options);
  } finally {
    transport.close();
    progress.stop();
  }
}
