import type { BlobReader } from '../content/store.ts';
import { type CompareOptions, compareTrees, type TreeChange } from './compare-trees.ts';
import { copyTree } from './image-tree.ts';
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
  const tree = new TreeApplier({ digests: true });
  for (const [index, layer] of before.slice(0, shared).entries()) {
    await readLayerInto(tree, layer, { store, index, signal });
  }
  const common = copyTree(tree.root);
  for (const [index, layer] of before.slice(shared).entries()) {
    await readLayerInto(tree, layer, { store, index: shared + index, signal });
  }
  const first = tree.root;
  tree.continueOn(common);
  for (const [index, layer] of after.slice(shared).entries()) {
    await readLayerInto(tree, layer, { store, index: shared + index, signal });
  }
  return [...compareTrees(first, tree.root, options)];
}
