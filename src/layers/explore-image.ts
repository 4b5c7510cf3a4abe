import type { BlobReader } from '../content/store.ts';
import type { ImageConfig } from '../image/config.ts';
import type { Digest } from '../image/digest.ts';
import type { ImageManifest } from '../image/manifest.ts';
import { textOf } from '../util/byte-string.ts';
import { uint32Column } from '../util/columns.ts';
import type { TreeName } from './image-tree.ts';
import { layerSteps } from './layer-steps.ts';
import { readLayerInto } from './read-image-tree.ts';
import { TreeApplier, type TreeObserver } from './tree-applier.ts';
import type { TreeFiles } from './tree-files.ts';
import type { TreeNames } from './tree-names.ts';
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

interface Sum {
  count: number;
  bytes: number;
}

/** What layers make and hide, as they are read one after the other. */
class Findings implements TreeObserver {
  readonly made: Sum[] = [];
  readonly wasted: Sum[] = [];
  readonly whiteouts: number[] = [];
  /** By file, the first name that it had. */
  readonly #names = uint32Column();
  /** Files that are hidden, and the layers that hide them. */
  readonly #hidden: number[] = [];
  readonly #hiddenBy = uint32Column();
  readonly #files: () => TreeFiles;
  #layer = -1;

  /** @param files Those of the tree that is observed. */
  constructor(files: () => TreeFiles) {
    this.#files = files;
  }

  beginLayer(): void {
    this.#layer++;
    this.made.push({ count: 0, bytes: 0 });
    this.wasted.push({ count: 0, bytes: 0 });
    this.whiteouts.push(0);
  }

  whiteout(): void {
    this.whiteouts[this.#layer] = (this.whiteouts[this.#layer] ?? 0) + 1;
  }

  /** A file of the layer, and its first name. */
  makes(file: number, name: number): void {
    this.#names.set(file, name);
    this.#add(this.made, file);
  }

  hides(file: number): void {
    if (this.#files().isFolder(file)) return;
    this.#add(this.wasted, file);
    this.#hiddenBy.set(file, this.#layer);
    this.#hidden.push(file);
  }

  #add(sums: readonly Sum[], file: number): void {
    const sum = sums[this.#files().layerOf(file)];
    if (sum === undefined) return;
    sum.count++;
    sum.bytes += this.#files().sizeOf(file);
  }

  /** The largest first. */
  wastedFiles(names: TreeNames): readonly WastedFile[] {
    const files = this.#files();
    const wasted = this.#hidden
      .filter(file => files.sizeOf(file) > 0)
      .sort((left, right) => left - right)
      .map(file => ({
        path: `/${textOf(names.pathOf(this.#names.get(file)))}`,
        size: files.sizeOf(file),
        layer: files.layerOf(file) + 1,
        hiddenBy: this.#hiddenBy.get(file) + 1,
      }));
    return wasted.sort((left, right) => right.size - left.size || (left.path < right.path ? -1 : 1));
  }
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
  const sizes: number[] = [];
  const findings: Findings = new Findings(() => applier.tree.files);
  const applier = new TreeApplier({ observer: findings });
  for (const [index, layer] of stack.entries()) {
    findings.beginLayer();
    sizes.push(await readLayerInto(applier, layer, { store, index, signal: options.signal }));
  }
  const layers = stack.map(({ descriptor, diffID }, at): ExploredLayer => {
    const { count = 0, bytes = 0 } = findings.made[at] ?? {};
    const waste = findings.wasted[at];
    return {
      number: at + 1,
      digest: descriptor.digest,
      diffID,
      createdBy: steps[at] ?? '',
      storedSize: descriptor.size,
      size: sizes[at] ?? 0,
      files: count,
      content: bytes,
      whiteouts: findings.whiteouts[at] ?? 0,
      waste: waste?.bytes ?? 0,
      wastedFiles: waste?.count ?? 0,
    };
  });
  const waste = layers.reduce((sum, layer) => sum + layer.waste, 0);
  const content = layers.reduce((sum, layer) => sum + layer.content, 0) - waste;
  const wasted = findings.wastedFiles(applier.tree.names);
  return { layers, wasted, content, waste, root: applier.tree.root(0) };
}
