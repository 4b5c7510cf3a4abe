import { open, rm } from 'node:fs/promises';
import type { BlobFiles, BlobReader, Lease } from '../content/store.ts';
import { HawserError } from '../errors/hawser-error.ts';
import type { Descriptor } from '../image/descriptor.ts';
import { type Digest, Digester } from '../image/digest.ts';
import { type LayerCompression, layerCompressionOf, mediaTypes } from '../image/media-types.ts';
import { compress } from './compression.ts';
import { readCompressedMemo, writeCompressedMemo } from './compression-memo.ts';

export interface CompressLayerOptions {
  readonly compression: LayerCompression;
  /** gzip 1 … 9, default 5; zstd 1 … 19, default 3. */
  readonly level?: number | undefined;
  /** Keeps the compressed blob from being collected. */
  readonly lease?: Lease | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A layer on its way out; a descriptor that is a promise is known once all of the bytes were read. */
export interface PreparedLayer {
  readonly descriptor: Descriptor | Promise<Descriptor>;
  /** The bytes, from their beginning each time. */
  open(): AsyncIterable<Uint8Array>;
}

type Store = BlobReader & BlobFiles;

const compressedTypes: Readonly<Record<string, Readonly<Record<'gzip' | 'zstd', string>>>> = {
  [mediaTypes.ociLayer]: { gzip: mediaTypes.ociLayerGzip, zstd: mediaTypes.ociLayerZstd },
  [mediaTypes.dockerLayer]: { gzip: mediaTypes.dockerLayerGzip, zstd: mediaTypes.dockerLayerZstd },
};

/** What turns `layer` into its compressed form. */
interface Plan {
  readonly store: Store;
  readonly layer: Descriptor;
  readonly mediaType: string;
  readonly compression: 'gzip' | 'zstd';
  readonly options: CompressLayerOptions;
}

/** The stored bytes; fails at their end when they are not what their digest says. */
async function* verified(store: Store, digest: Digest, signal: AbortSignal | undefined) {
  const digester = new Digester(digest.startsWith('sha512:') ? 'sha512' : 'sha256');
  for await (const chunk of store.open(digest, { signal })) {
    digester.update(chunk);
    yield chunk;
  }
  if (digester.digest() !== digest) {
    throw new HawserError('STORE_CORRUPT', `the blob ${digest} in the store has other content`);
  }
}

/** Compresses into a file of the store while the bytes go on; what a crash leaves is a temporary file. */
async function* compressAndKeep(
  plan: Plan,
  onDone: (descriptor: Descriptor) => void,
): AsyncGenerator<Uint8Array> {
  const { store, layer, mediaType, compression, options } = plan;
  const path = await store.temporaryPath();
  const file = await open(path, 'wx');
  const digester = new Digester();
  let size = 0;
  try {
    const plain = verified(store, layer.digest, options.signal);
    for await (const chunk of compress(plain, { compression, level: options.level })) {
      digester.update(chunk);
      size += chunk.length;
      // The file and the consumer take the piece at the same time.
      const writing = file.writeFile(chunk);
      writing.catch(() => undefined); // awaited below
      yield chunk;
      await writing;
    }
    await file.close();
    const digest = digester.digest();
    await options.lease?.add(digest);
    await store.adopt(path, { digest, size });
    const { annotations } = layer;
    const descriptor = { mediaType, digest, size, ...(annotations === undefined ? {} : { annotations }) };
    await writeCompressedMemo(store, plan, descriptor);
    onDone(descriptor);
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

function streaming(plan: Plan): PreparedLayer {
  let done: Descriptor | undefined;
  let resolve: (descriptor: Descriptor) => void;
  const descriptor = new Promise<Descriptor>(settle => {
    resolve = settle;
  });
  const onDone = (made: Descriptor) => {
    done = made;
    resolve(made);
  };
  const { store, options } = plan;
  return {
    descriptor,
    open: () =>
      done === undefined
        ? compressAndKeep(plan, onDone)
        : store.open(done.digest, { signal: options.signal }),
  };
}

/**
 * How a layer of the store goes out. A plain one is compressed while it is read (gzip or zstd); what came of that stays in
 * the store, and the next call finds it. A layer that is compressed already goes as it is.
 *
 * `open` throws HawserError STORE_CORRUPT, BLOB_UNKNOWN, NO_SPACE, INVALID_ARGUMENT, REQUIREMENT_MISSING, ABORTED
 */
export async function prepareLayer(
  store: Store,
  layer: Descriptor,
  options: CompressLayerOptions,
): Promise<PreparedLayer> {
  const { compression, signal } = options;
  const types = compressedTypes[layer.mediaType];
  const isPlain = layerCompressionOf(layer.mediaType) === 'uncompressed';
  if (compression === 'uncompressed' || !isPlain || types === undefined) {
    return { descriptor: layer, open: () => store.open(layer.digest, { signal }) };
  }
  const plan: Plan = { store, layer, mediaType: types[compression], compression, options };
  const known = await readCompressedMemo(store, plan);
  if (known === undefined) return streaming(plan);
  await options.lease?.add(known.digest);
  return { descriptor: known, open: () => store.open(known.digest, { signal }) };
}

/** The compressed form of a layer, in the store; see `prepareLayer`. */
export async function compressLayer(
  store: Store,
  layer: Descriptor,
  options: CompressLayerOptions,
): Promise<Descriptor> {
  const prepared = await prepareLayer(store, layer, options);
  if (prepared.descriptor instanceof Promise) {
    const pieces = prepared.open()[Symbol.asyncIterator]();
    while ((await pieces.next()).done !== true);
  }
  return prepared.descriptor;
}
