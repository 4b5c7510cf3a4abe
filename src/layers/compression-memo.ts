import type { BlobFiles, BlobReader } from '../content/store.ts';
import type { Descriptor } from '../image/descriptor.ts';
import { digestAlgorithm, digestHex } from '../image/digest.ts';
import { defaultLevels } from './compression-levels.ts';
import { type MemoKey, readMemo, writeMemo } from './layer-memo.ts';

interface CompressionKey {
  readonly layer: Descriptor;
  readonly mediaType: string;
  readonly compression: 'gzip' | 'zstd';
  readonly options: { readonly level?: number | undefined };
}

function memoKey({ layer, compression, options }: CompressionKey): MemoKey {
  const level = options.level ?? defaultLevels[compression];
  const name = `${digestAlgorithm(layer.digest)}-${digestHex(layer.digest)}.${compression}-${level}`;
  return { kind: 'compressed', name };
}

/** The compressed form that the store has; undefined where it has none. */
export async function readCompressedMemo(
  store: BlobReader & BlobFiles,
  key: CompressionKey,
): Promise<Descriptor | undefined> {
  const found = await readMemo(store, memoKey(key));
  if (found === undefined) return undefined;
  const { annotations } = key.layer;
  const { digest, size } = found;
  return { mediaType: key.mediaType, digest, size, ...(annotations === undefined ? {} : { annotations }) };
}

export async function writeCompressedMemo(
  store: BlobFiles,
  key: CompressionKey,
  { digest, size }: Descriptor,
): Promise<void> {
  await writeMemo(store, memoKey(key), { digest, size });
}
