import type { BlobReader } from '../content/store.ts';
import type { ImageConfig } from '../image/config.ts';
import type { Digest } from '../image/digest.ts';
import type { ImageManifest } from '../image/manifest.ts';
import { type ByteString, textOf } from '../util/byte-string.ts';
import { entryParts } from './apply-paths.ts';
import { type TreeFile, type TreeName } from './image-tree.ts';
import { layerSteps } from './layer-steps.ts';
import { readLayerInto } from './read-image-tree.ts';
import { TreeApplier } from './tree-applier.ts';
import { layersOf } from './unpack-image.ts';

/** A layer, by what it brings and what of that lasts. */
export interface ExploredLayer {
  /** From 1, the lowest. */
  readonly number: number;
  readonly digest: Digest;
  readonly diffID: Digest;
  readonly createdBy: string;
  /** Bytes as it is stored. */
  readonly storedSize: number;
  /** Bytes of the uncompressed archive. */
  readonly size: number;
  /** Entries that are no folders and no whiteouts; hard links count as their file. */
  readonly files: number;
  /** Bytes of the contents of its files. */
  readonly content: number;
  readonly whiteouts: number;
  /** Bytes of the contents that a later entry overwrites or deletes. */
  readonly waste: number;
  readonly wastedFiles: number;
}

/** A file of a layer that the image does not show. */
export interface WastedFile {
  readonly path: string;
  readonly size: number;
  /** Numbers of the layer that has it and of the one that overwrites or deletes it. */
  readonly layer: number;
  readonly hiddenBy: number;
}

export interface ExploredImage {
  readonly layers: readonly ExploredLayer[];
  /** The largest first. */
  readonly wasted: readonly WastedFile[];
  /** Bytes of the files that the image shows, each file once. */
  readonly content: number;
  readonly waste: number;
  readonly root: TreeName;
}

/** Bytes and number of a layer's files, whatever becomes of them. */
function summary(files: readonly TreeFile[]): { readonly count: number; readonly bytes: number } {
  return { count: files.length, bytes: files.reduce((sum, file) => sum + (file.entry?.size ?? 0), 0) };
}

/**
 * Reads the layers of an image and finds what each brings and what of it is wasted. Nothing is unpacked.
 *
 * @throws HawserError LAYER_INVALID, LAYER_ENTRY_INVALID, DIGEST_INVALID, COMPRESSION_INVALID, BLOB_UNKNOWN, ABORTED
 */
export async function exploreImage(
  store: BlobReader,
  image: {
    readonly manifest: { readonly value: ImageManifest };
    readonly config: { readonly value: ImageConfig };
  },
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<ExploredImage> {
  const stack = layersOf(image.manifest.value, image.config.value);
  const steps = layerSteps(image.config.value);
  const made: TreeFile[][] = stack.map(() => []);
  const whiteouts = stack.map(() => 0);
  const sizes: number[] = [];
  let index = 0;
  const tree = new TreeApplier({
    observer: {
      made: file => made[index]?.push(file),
      whiteout: () => {
        whiteouts[index] = (whiteouts[index] ?? 0) + 1;
      },
    },
  });
  for (const layer of stack) {
    sizes.push(await readLayerInto(tree, layer, { store, index, signal: options.signal }));
    index++;
  }
  const layers = stack.map(({ descriptor, diffID }, at): ExploredLayer => {
    const all = summary(made[at] ?? []);
    const hidden = summary((made[at] ?? []).filter(({ links }) => links === 0));
    return {
      number: at + 1,
      digest: descriptor.digest,
      diffID,
      createdBy: steps[at] ?? '',
      storedSize: descriptor.size,
      size: sizes[at] ?? 0,
      files: all.count,
      content: all.bytes,
      whiteouts: whiteouts[at] ?? 0,
      waste: hidden.bytes,
      wastedFiles: hidden.count,
    };
  });
  const waste = layers.reduce((sum, layer) => sum + layer.waste, 0);
  const content = layers.reduce((sum, layer) => sum + layer.content, 0) - waste;
  return { layers, wasted: wastedFiles(made.flat()), content, waste, root: tree.root };
}

function wastedFiles(files: readonly TreeFile[]): readonly WastedFile[] {
  const wasted = files.flatMap(({ entry, links, layer, hiddenBy }): WastedFile[] => {
    if (links > 0 || entry === undefined || hiddenBy === undefined || entry.size === 0) return [];
    const path = `/${textOf(entryParts(entry.name).join('/') as ByteString)}`;
    return [{ path, size: entry.size, layer: layer + 1, hiddenBy: hiddenBy + 1 }];
  });
  return wasted.sort((left, right) => right.size - left.size || (left.path < right.path ? -1 : 1));
}
