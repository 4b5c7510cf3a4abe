import { localBase } from '../builder/local-base.ts';
import { withLocalName } from '../content/local-name.ts';
import type { StoredImage } from '../content/resolve-image.ts';
import type { LayoutStore, Lease } from '../content/store.ts';
import type { Platform } from '../image/platform.ts';
import { parseReference, type Reference } from '../image/reference.ts';
import { type PullOptions, pullLayers, pullManifest } from '../registry-client/pull.ts';
import { createTransport, type Transport } from '../registry-client/transport.ts';
import { transferTotal } from './transfer-total.ts';

interface PullBaseOptions {
  readonly platform: Platform;
  readonly lease: Lease;
  readonly signal: AbortSignal;
}

async function withTransport<Result>(work: (transport: Transport) => Promise<Result>): Promise<Result> {
  const transport = createTransport({ plainHttp: false });
  try {
    return await work(transport);
  } finally {
    transport.close();
  }
}

function pullOptions(
  store: LayoutStore,
  reference: Reference,
  { platform, lease, signal }: PullBaseOptions,
): PullOptions & { readonly reference: Reference } {
  return { store, reference, platform, lease, signal };
}

/** Whoever has built an image of that name for another platform keeps it. */
async function giveName(
  store: LayoutStore,
  { name, descriptor }: StoredImage & { readonly name: string },
  { platform }: PullBaseOptions,
): Promise<void> {
  const { unfit } = await localBase(store, name, platform);
  if (unfit === undefined) await store.references.set(name, descriptor);
}

/**
 * Manifest and config of a base image into the store. It gets a name there once its layers are there too.
 *
 * @throws as pulling does
 */
export async function pullBase(
  store: LayoutStore,
  name: string,
  options: PullBaseOptions,
): Promise<StoredImage> {
  const reference = parseReference(name);
  const pulled = await withTransport(transport =>
    pullManifest(transport, reference, pullOptions(store, reference, options)),
  ).catch(async (error: unknown) => {
    throw await withLocalName(store, name, error);
  });
  const image = { name, ...pulled };
  let isWhole = true;
  for (const { digest } of pulled.manifest.value.layers) {
    await options.lease.add(digest);
    isWhole &&= (await store.stat(digest)) !== undefined;
  }
  if (isWhole) await giveName(store, image, options);
  return image;
}

/** The layers of such an image, and its name. @throws as pulling does */
export async function pullBaseLayers(
  store: LayoutStore,
  { reference: name, image }: { readonly reference: string; readonly image: StoredImage },
  options: PullBaseOptions & { readonly onProgress: Parameters<typeof transferTotal>[0] },
): Promise<void> {
  const reference = parseReference(name);
  await withTransport(transport =>
    pullLayers(transport, image, {
      ...pullOptions(store, reference, options),
      onProgress: transferTotal(options.onProgress),
    }),
  );
  await giveName(store, { ...image, name }, options);
}
