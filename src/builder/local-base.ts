import { resolveImage, type StoredImage } from '../content/resolve-image.ts';
import type { ContentStore } from '../content/store.ts';
import { HawserError, isHawserError } from '../errors/hawser-error.ts';
import { formatPlatform, type Platform, platformRank } from '../image/platform.ts';

/** What the store has under the name of a base image. */
interface LocalBase {
  /** One for the platform. */
  readonly image?: StoredImage;
  /** Why the one that is there is not for it: PLATFORM_UNAVAILABLE. */
  readonly unfit?: HawserError;
}

/**
 * An index says which platforms it has; an image without one says its own, which is held against the wanted one as
 * BuildKit does: a registry may have what the store lacks.
 */
export async function localBase(store: ContentStore, name: string, platform: Platform): Promise<LocalBase> {
  let image: StoredImage;
  try {
    image = await resolveImage(store, name, { platform });
  } catch (error) {
    if (isHawserError(error, 'PLATFORM_UNAVAILABLE')) return { unfit: error };
    if (isHawserError(error, 'IMAGE_UNKNOWN') || isHawserError(error, 'BLOB_UNKNOWN')) return {};
    throw error;
  }
  if (image.descriptor.digest !== image.manifest.digest || runsOn(image, platform)) return { image };
  const own = formatPlatform(image.config.value);
  const message = `image ${image.name ?? name} in the local store is for ${own}, not ${formatPlatform(platform)}`;
  const remedy = `Build with --platform ${own}, or build or pull it for ${formatPlatform(platform)}.`;
  return { unfit: new HawserError('PLATFORM_UNAVAILABLE', message, { remedy }) };
}

/** A config without a variant, as most are, is for all of them. */
function runsOn({ config }: StoredImage, platform: Platform): boolean {
  const { os, architecture, variant } = config.value;
  if (os === platform.os && architecture === platform.architecture && variant === undefined) return true;
  if (os === '' || architecture === '') return true;
  return platformRank(config.value, platform) !== undefined;
}

/** The same where nothing else can be asked. @throws HawserError PLATFORM_UNAVAILABLE, and as `resolveImage` */
export async function requireLocalBase(
  store: ContentStore,
  name: string,
  platform: Platform,
): Promise<StoredImage> {
  const { image, unfit } = await localBase(store, name, platform);
  if (unfit !== undefined) throw unfit;
  return image ?? resolveImage(store, name, { platform });
}

/** Where the registry gave no other. */
export function neitherFits(unfit: HawserError, error: unknown): unknown {
  if (!isHawserError(error) || error.code === 'ABORTED') return error;
  const remedy = `Nor is one to be had elsewhere: ${error.message}. ${unfit.remedy ?? ''}`.trim();
  return new HawserError('PLATFORM_UNAVAILABLE', unfit.message, { cause: error, remedy });
}
