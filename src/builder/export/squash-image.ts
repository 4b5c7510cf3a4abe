import type { FinishedImage } from './finish-image.ts';
import type { StoreWork } from './platform-image.ts';

/** The image with its layers from `from` on as one, where there are several. */
export async function squashImage(
  image: FinishedImage,
  from: number,
  { store, lease, signal }: StoreWork,
): Promise<FinishedImage> {
  const to = image.manifest.value.layers.length - 1;
  if (from >= to) return image;
  const { mergeImage } = await import('../../layers/merge-image.ts');
  return mergeImage(store, image, { range: { from, to }, lease, signal });
}
