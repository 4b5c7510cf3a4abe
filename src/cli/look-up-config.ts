import type { LookUpConfig } from '../builder/check-build.ts';
import { resolveImage } from '../content/resolve-image.ts';
import type { LayoutStore } from '../content/store.ts';
import { HawserError, isHawserError } from '../errors/hawser-error.ts';
import { configSizeLimit, type ImageConfig, parseImageConfig } from '../image/config.ts';
import { digestAlgorithm, digestOf } from '../image/digest.ts';
import type { ManifestOfImage } from '../image/manifest.ts';
import { formatPlatform, type Platform, selectPlatform } from '../image/platform.ts';
import { formatReference, parseReference, type Reference, withDefaultTag } from '../image/reference.ts';
import type { Transport } from '../registry-client/transport.ts';

/** What the store says, else the registry; no layer is fetched, and nothing is kept. */
export function configLookUp(
  store: LayoutStore,
  options: { readonly note: (line: string) => void; readonly signal: AbortSignal },
): LookUpConfig {
  return async (image, platform) => {
    const local = await localConfig(store, image, platform);
    if (local !== undefined) return local;
    try {
      return await remoteConfig(withDefaultTag(parseReference(image)), { platform, signal: options.signal });
    } catch (error) {
      // a check is of use without a network too; a registry that knows no such image is another matter
      if (!isHawserError(error, 'REGISTRY_UNREACHABLE')) throw error;
      options.note(`${image} could not be looked up: ${error.message}; what depends on it is not checked`);
      return undefined;
    }
  };
}

async function localConfig(
  store: LayoutStore,
  image: string,
  platform: Platform,
): Promise<ImageConfig | undefined> {
  try {
    return (await resolveImage(store, image, { platform })).config.value;
  } catch (error) {
    const unknown = ['IMAGE_UNKNOWN', 'PLATFORM_UNAVAILABLE', 'BLOB_UNKNOWN'];
    if (isHawserError(error) && unknown.includes(error.code)) return undefined;
    throw error;
  }
}

interface RemoteOptions {
  readonly platform: Platform;
  readonly signal: AbortSignal;
}

async function remoteConfig(reference: Reference, options: RemoteOptions): Promise<ImageConfig> {
  const { createTransport } = await import('../registry-client/transport.ts');
  const transport = createTransport();
  try {
    const manifest = await remoteManifest(transport, reference, options);
    return parseImageConfig(await remoteBlob(transport, { reference, manifest, signal: options.signal }))
      .value;
  } finally {
    transport.close();
  }
}

async function remoteManifest(
  transport: Transport,
  reference: Reference,
  { platform, signal }: RemoteOptions,
): Promise<ManifestOfImage> {
  const { resolveRemote } = await import('../registry-client/resolve.ts');
  let document = await resolveRemote(transport, reference, { signal });
  for (let depth = 0; document.kind === 'index'; depth++) {
    const selected = depth < 4 ? selectPlatform(document.value.manifests, platform) : undefined;
    if (selected === undefined) {
      throw new HawserError(
        'PLATFORM_UNAVAILABLE',
        `${formatReference(reference)} has no image for ${formatPlatform(platform)}`,
      );
    }
    const { domain, path } = reference;
    document = await resolveRemote(transport, { domain, path, digest: selected.digest }, { signal });
  }
  return document;
}

async function remoteBlob(
  transport: Transport,
  request: {
    readonly reference: Reference;
    readonly manifest: ManifestOfImage;
    readonly signal: AbortSignal;
  },
): Promise<Uint8Array> {
  const [{ downloadBlob }, { scopeOf }] = await Promise.all([
    import('../registry-client/download.ts'),
    import('../registry-client/resolve.ts'),
  ]);
  const { config } = request.manifest.value;
  if (config.size > configSizeLimit) {
    throw new HawserError('SIZE_INVALID', `an image config of ${config.size} bytes is over the limit`);
  }
  const scope = scopeOf(request.reference, 'pull');
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of downloadBlob(transport, config, { scope, signal: request.signal })) {
    size += chunk.length;
    if (size > config.size) break;
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.length === config.size && digestOf(bytes, digestAlgorithm(config.digest)) === config.digest) {
    return bytes;
  }
  throw new HawserError(
    'DIGEST_INVALID',
    `the config of ${formatReference(request.reference)} is not ${config.digest}`,
  );
}
