import type { BlobReader } from '../content/store.ts';
import { HawserError } from '../errors/hawser-error.ts';
import { Digester, digestAlgorithm } from '../image/digest.ts';
import { layerCompressionOf } from '../image/media-types.ts';
import { TarParser } from '../tar/parser.ts';
import { throwIfAborted } from '../util/abort.ts';
import { checkDiffID, defaultMaxEntries, defaultMaxSize, layerError } from './apply-job.ts';
import { decompress } from './compression.ts';
import type { TreeApplier } from './tree-applier.ts';
import type { StackLayer } from './unpack-image.ts';

/**
 * The uncompressed bytes of a layer in the store.
 *
 * @throws HawserError LAYER_INVALID for a media type that is no layer's; while reading BLOB_UNKNOWN, COMPRESSION_INVALID, ABORTED
 */
export function openPlainLayer(
  store: BlobReader,
  { descriptor }: StackLayer,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  const compression = layerCompressionOf(descriptor.mediaType);
  if (compression === undefined) {
    throw new HawserError(
      'LAYER_INVALID',
      `layer ${descriptor.digest} has the media type ${JSON.stringify(descriptor.mediaType)}, which is no layer's`,
    );
  }
  const bytes = store.open(descriptor.digest, { signal });
  return compression === 'uncompressed' ? bytes : decompress(bytes, compression);
}

/**
 * Reads a layer into a tree, as layer `index`; its content is checked against its diffID.
 *
 * @returns bytes of the uncompressed layer
 * @throws HawserError LAYER_INVALID, LAYER_ENTRY_INVALID, DIGEST_INVALID, COMPRESSION_INVALID, BLOB_UNKNOWN, ABORTED
 */
export async function readLayerInto(
  tree: TreeApplier,
  layer: StackLayer,
  options: { readonly store: BlobReader; readonly index: number; readonly signal?: AbortSignal | undefined },
): Promise<number> {
  const { store, index, signal } = options;
  const parser = new TarParser(tree, { maxSize: defaultMaxSize, maxEntries: defaultMaxEntries });
  const digester = new Digester(digestAlgorithm(layer.diffID));
  let size = 0;
  let piece: Buffer = Buffer.alloc(0);
  // The parser hands on views of what it is given.
  tree.beginLayer(index, bytes => size + bytes.byteOffset - piece.byteOffset);
  try {
    for await (const chunk of openPlainLayer(store, layer, signal)) {
      throwIfAborted(signal);
      if (size + chunk.length > defaultMaxSize) {
        throw new HawserError('LAYER_INVALID', `the layer is larger than ${defaultMaxSize} bytes`);
      }
      piece = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      digester.update(piece);
      parser.write(piece);
      size += piece.length;
    }
    parser.finish();
    checkDiffID(digester.digest(), layer.diffID);
    return size;
  } catch (error) {
    throw layerError(error);
  }
}
