import type { BlobReader } from '../content/store.ts';
import { type CompareOptions, compareTrees, type TreeChange } from './compare-trees.ts';
import { readLayerInto } from './read-image-tree.ts';
import { TreeApplier } from './tree-applier.ts';
import type { StackLayer } from './unpack-image.ts';

export interface CompareImagesOptions extends CompareOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * What differs between the files of two images, by reading their layers; the ones that they share are read once.
 *
 * @throws HawserError LAYER_INVALID, LAYER_ENTRY_INVALID, DIGEST_INVALID, COMPRESSION_INVALID, BLOB_UNKNOWN, ABORTED
 */
export async function compareImages(
  store: BlobReader,
  images: { readonly before: readonly StackLayer[]; readonly after: readonly StackLayer[] },
  options: CompareImagesOptions = {},
): Promise<readonly TreeChange[]> {
  const { before, after } = images;
  const { signal } = options;
  let shared = 0;
  while (shared < before.length && before[shared]?.diffID === after[shared]?.diffID) shared++;
  const applier = new TreeApplier({ digests: true });
  const read = async (layers: readonly StackLayer[], from: number) => {
    for (const [index, layer] of layers.entries()) {
      await readLayerInto(applier, layer, { store, index: from + index, signal });
    }
  };
  await read(before.slice(0, shared), 0);
  applier.begin(1);
  await read(before.slice(shared), shared);
  applier.begin(2);
  await read(after.slice(shared), shared);
  return [...compareTrees(applier.tree.root(1), applier.tree.root(2), options)];
}
