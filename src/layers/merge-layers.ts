import { closeSync, openSync, readSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import type { BlobFiles, BlobReader, BlobWriter, Lease } from '../content/store.ts';
import { HawserError } from '../errors/hawser-error.ts';
import { digestHex, digestOf } from '../image/digest.ts';
import { layerCompressionOf } from '../image/media-types.ts';
import { type TarItem, writeTar } from '../tar/writer.ts';
import { throwIfAborted } from '../util/abort.ts';
import type { CommittedLayer } from './commit-layer.ts';
import type { TreeFile } from './image-tree.ts';
import { type MemoKey, readMemo, writeMemo } from './layer-memo.ts';
import { type MergedItem, mergeTree } from './merge-tree.ts';
import { openPlainLayer, readLayerInto } from './read-image-tree.ts';
import { TreeApplier } from './tree-applier.ts';
import type { StackLayer } from './unpack-image.ts';

/** Layers `from` to `to` of a stack, counted from 0, both included. */
export interface LayerRange {
  readonly from: number;
  readonly to: number;
}

export interface MergeLayersOptions {
  readonly range: LayerRange;
  /** Keeps the new layer from being collected. */
  readonly lease?: Pick<Lease, 'add'> | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface MergedLayer extends Pick<CommittedLayer, 'diffID' | 'size' | 'entries'> {
  /** Bytes of the layers that it stands for, uncompressed. */
  readonly sizeBefore: number;
}

type Store = BlobReader & BlobWriter & BlobFiles;

const pieceSize = 1024 * 1024;

/** Contents of files by where they lie in their layers; compressed layers are decompressed beside the store first. */
class LayerContents {
  readonly #store: Store;
  readonly #signal: AbortSignal | undefined;
  readonly #layers: readonly StackLayer[];
  readonly #files = new Map<number, number>();
  readonly #scratch: string[] = [];
  readonly #buffer = Buffer.allocUnsafeSlow(256 * 1024);

  constructor(store: Store, layers: readonly StackLayer[], signal: AbortSignal | undefined) {
    this.#store = store;
    this.#layers = layers;
    this.#signal = signal;
  }

  /** Of a layer that was opened. A piece is the caller's until it asks for the next. */
  *read(file: TreeFile): Generator<Uint8Array, void> {
    const fd = this.#files.get(file.layer);
    for (const { offset, length } of file.parts) {
      for (let done = 0; done < length; ) {
        const piece = this.#buffer.subarray(0, length - done);
        let read = piece.length;
        if (offset === undefined) piece.fill(0);
        else read = readSync(fd ?? -1, piece, 0, piece.length, offset + done);
        if (read === 0) throw new HawserError('LAYER_INVALID', 'a layer became shorter while it was merged');
        done += read;
        yield piece.subarray(0, read);
      }
    }
  }

  async open(layer: number): Promise<void> {
    if (this.#files.has(layer)) return;
    const stackLayer = this.#layers[layer] as StackLayer;
    const { digest, mediaType } = stackLayer.descriptor;
    let path = this.#store.pathOf(digest);
    if (layerCompressionOf(mediaType) !== 'uncompressed') path = await this.#decompress(stackLayer);
    this.#files.set(layer, openSync(path, 'r'));
  }

  async close(): Promise<void> {
    for (const fd of this.#files.values()) closeSync(fd);
    for (const path of this.#scratch) await rm(path, { force: true });
  }

  /** What a crash leaves is a temporary file of the store. */
  async #decompress(layer: StackLayer): Promise<string> {
    const path = await this.#store.temporaryPath();
    this.#scratch.push(path);
    const file = await open(path, 'wx', 0o600);
    try {
      for await (const chunk of openPlainLayer(this.#store, layer, this.#signal)) {
        throwIfAborted(this.#signal);
        await file.writeFile(chunk);
      }
    } finally {
      await file.close();
    }
    return path;
  }
}

/** The same bytes in large pieces: headers are small, and each piece costs a write. */
async function* inLargePieces(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let buffer = Buffer.allocUnsafeSlow(pieceSize);
  let used = 0;
  for await (const bytes of source) {
    for (let done = 0; done < bytes.length; ) {
      const part = bytes.subarray(done, done + pieceSize - used);
      buffer.set(part, used);
      used += part.length;
      done += part.length;
      if (used < pieceSize) continue;
      yield buffer;
      buffer = Buffer.allocUnsafeSlow(pieceSize);
      used = 0;
    }
  }
  if (used > 0) yield buffer.subarray(0, used);
}

/** The layers below count too: what of them is changed or deleted is in the new layer. */
function memoKey(layers: readonly StackLayer[], range: LayerRange): MemoKey {
  const ids = layers.slice(0, range.to + 1).map(({ diffID }) => diffID);
  return { kind: 'merged', name: digestHex(digestOf(JSON.stringify({ version: 1, ...range, ids }))) };
}

/**
 * `mergeLayers`, once: what came of it stays in the store as long as it is not collected.
 *
 * @throws HawserError as `mergeLayers`
 */
export async function mergeLayersOnce(
  store: Store,
  layers: readonly StackLayer[],
  options: MergeLayersOptions,
): Promise<MergedLayer> {
  const key = memoKey(layers, options.range);
  const known = await readMemo(store, key);
  if (known !== undefined) {
    const { digest, size, facts } = known;
    await options.lease?.add(digest);
    const { sizeBefore = 0, entries = 0 } = facts;
    // Only now can no collection take it any more.
    if ((await store.stat(digest)) !== undefined) return { diffID: digest, size, sizeBefore, entries };
  }
  const merged = await mergeLayers(store, layers, options);
  const { diffID: digest, size, sizeBefore, entries } = merged;
  await writeMemo(store, key, { digest, size, facts: { sizeBefore, entries } });
  return merged;
}

/**
 * Makes one layer of several that lie on each other: on what is below them it gives the tree that they give. Layers are
 * read as archives, never unpacked; docs/layer-invariants.md, M1–M6.
 *
 * @param layers The stack from its lowest layer to `range.to` at least.
 * @throws HawserError LAYER_INVALID, LAYER_ENTRY_INVALID, DIGEST_INVALID, COMPRESSION_INVALID, BLOB_UNKNOWN, NO_SPACE, ABORTED
 */
export async function mergeLayers(
  store: Store,
  layers: readonly StackLayer[],
  options: MergeLayersOptions,
): Promise<MergedLayer> {
  const { range, lease, signal } = options;
  const applier = new TreeApplier();
  let sizeBefore = 0;
  for (const [index, layer] of layers.slice(0, range.to + 1).entries()) {
    if (index === range.from) applier.begin(1);
    const size = await readLayerInto(applier, layer, { store, index, signal });
    if (index >= range.from) sizeBefore += size;
  }
  const [base, merged] = [applier.tree.root(0), applier.tree.root(1)];
  const contents = new LayerContents(store, layers, signal);
  let entries = 0;
  try {
    // Twice over the trees, rather than once with a list of all that is in them.
    for (const { content } of mergeTree(base, merged)) {
      entries++;
      if (content !== undefined) await contents.open(content.layer);
    }
    const archive = inLargePieces(writeTar(tarItems(mergeTree(base, merged), contents)));
    const { digest, size } = await store.ingest(archive, {
      signal,
      ...(lease === undefined ? {} : { lease }),
    });
    return { diffID: digest, size, sizeBefore, entries };
  } finally {
    await contents.close();
  }
}

function* tarItems(items: Iterable<MergedItem>, contents: LayerContents): Generator<TarItem, void> {
  for (const { entry, content } of items) {
    yield content === undefined ? { entry } : { entry, body: contents.read(content) };
  }
}
