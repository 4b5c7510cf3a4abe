import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BlobFiles, BlobReader } from '../content/store.ts';
import { systemErrorCode } from '../errors/hawser-error.ts';
import type { Descriptor } from '../image/descriptor.ts';
import { digestAlgorithm, digestHex, isDigest } from '../image/digest.ts';
import { writeFileAtomic } from '../util/atomic-file.ts';
import { defaultLevels } from './compression-levels.ts';

/*
 * Which blob holds a plain layer's compressed form: `compressed/<algorithm>-<hex>.<compression>-<level>.json` beside
 * the folder of the store's temporary files. A hint only: where the blob is gone, the layer is compressed again.
 */

interface MemoKey {
  readonly layer: Descriptor;
  readonly mediaType: string;
  readonly compression: 'gzip' | 'zstd';
  readonly options: { readonly level?: number | undefined };
}

async function memoPath(store: BlobFiles, { layer, compression, options }: MemoKey): Promise<string> {
  const state = dirname(dirname(await store.temporaryPath()));
  const level = options.level ?? defaultLevels[compression];
  const name = `${digestAlgorithm(layer.digest)}-${digestHex(layer.digest)}.${compression}-${level}.json`;
  return join(state, 'compressed', name);
}

/** The compressed form that the store has; undefined where it has none. */
export async function readCompressedMemo(
  store: BlobReader & BlobFiles,
  key: MemoKey,
): Promise<Descriptor | undefined> {
  let text: string;
  try {
    text = await readFile(await memoPath(store, key), 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  const { digest, size } = parseMemo(text);
  if (digest === undefined || !isDigest(digest)) return undefined;
  const found = await store.stat(digest);
  if (found === undefined || found.size !== size) return undefined;
  const { annotations } = key.layer;
  return { mediaType: key.mediaType, digest, size, ...(annotations === undefined ? {} : { annotations }) };
}

function parseMemo(text: string): { readonly digest?: string; readonly size?: number } {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {}; // as good as none: it is written anew
  }
}

export async function writeCompressedMemo(
  store: BlobFiles,
  key: MemoKey,
  { digest, size }: Descriptor,
): Promise<void> {
  await writeFileAtomic(await memoPath(store, key), `${JSON.stringify({ digest, size })}\n`, {
    durable: false,
  });
}
