import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { LayoutStore, Lease } from '../../content/store.ts';
import { HawserError, isHawserError, messageOf } from '../../errors/hawser-error.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import { Digester } from '../../image/digest.ts';
import { layerCompressionOf, mediaTypes } from '../../image/media-types.ts';
import { lockFile } from '../../util/file-lock.ts';
import { packInThread } from '../execute/step-threads.ts';
import type { LoadedCache } from './cache-source.ts';

/** Of a layer in a cache artifact that is a cache mount: its key. */
const mountAnnotation = 'vnd.hawser.build-cache.mount';

interface MountWork {
  readonly store: LayoutStore;
  readonly lease: Lease;
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
}

/**
 * The cache mounts `keys` as layers in the store; those that are not here are left out, and those that cannot be had with a
 * warning.
 *
 * @param root Of all cache mounts.
 * @throws HawserError NO_SPACE, ABORTED
 */
export async function packMounts(
  root: string,
  keys: Iterable<string>,
  work: MountWork,
): Promise<readonly Descriptor[]> {
  const layers: Descriptor[] = [];
  for (const key of [...new Set(keys)].sort()) {
    const folder = join(root, key, '0');
    if (!isFilled(folder)) continue;
    try {
      layers.push(await packMount(folder, key, work));
    } catch (error) {
      if (!isHawserError(error, 'LOCK_TIMEOUT') && !isHawserError(error, 'LAYER_INVALID')) throw error;
      work.warn(`a cache mount does not go along: ${messageOf(error)}`);
    }
  }
  return layers;
}

function isFilled(folder: string): boolean {
  try {
    return readdirSync(folder).length > 0;
  } catch {
    return false; // nobody has used it here
  }
}

async function packMount(folder: string, key: string, work: MountWork): Promise<Descriptor> {
  const { store, lease, signal } = work;
  // Nobody changes it meanwhile; who has it right now may have it for minutes.
  const lock = await lockFile(`${folder}.lock`, { timeout: 0 });
  try {
    const path = await store.temporaryPath();
    const changes = { kind: 'copy', upper: folder, lowers: [] } as const;
    const { digest, size } = await packInThread({ changes, path, options: {} }, signal);
    await lease.add(digest);
    await store.adopt(path, { digest, size });
    return { mediaType: mediaTypes.ociLayer, digest, size, annotations: { [mountAnnotation]: key } };
  } finally {
    await lock.release();
  }
}

/**
 * Fills the new cache mount `folder` with what the first cache has of it; leaves it empty where that cannot be had.
 *
 * @throws HawserError NO_SPACE, ABORTED
 */
export async function restoreMount(
  folder: string,
  key: string,
  work: MountWork & { readonly caches: readonly LoadedCache[] },
): Promise<void> {
  for (const { source, layers } of work.caches) {
    const layer = layers.find(({ annotations }) => annotations?.[mountAnnotation] === key);
    if (layer === undefined) continue;
    try {
      await unpackMount(folder, { source, layer }, work);
      return;
    } catch (error) {
      if (work.signal.aborted || !isHawserError(error) || isHawserError(error, 'NO_SPACE')) throw error;
      for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
      work.warn(`a cache mount begins empty, since ${source.name} does not give it: ${messageOf(error)}`);
    }
  }
}

async function unpackMount(
  folder: string,
  { source, layer }: { readonly source: LoadedCache['source']; readonly layer: Descriptor },
  { store, lease, signal }: MountWork,
): Promise<void> {
  const compression = layerCompressionOf(layer.mediaType);
  if (compression === undefined) {
    throw new HawserError('LAYER_INVALID', `${JSON.stringify(layer.mediaType)} is no layer's media type`);
  }
  const [{ decompress }, { applyLayer }] = await Promise.all([
    import('../../layers/compression.ts'),
    import('../../layers/apply.ts'),
  ]);
  const bytes = verified(source.blob(layer, signal), layer);
  const { digest } = await store.ingest(decompress(bytes, compression), { lease, signal });
  const plain = { path: store.pathOf(digest), compression: 'uncompressed' } as const;
  await applyLayer(plain, folder, { diffID: digest, whiteouts: 'remove', signal });
}

async function* verified(bytes: AsyncIterable<Uint8Array>, { digest }: Descriptor) {
  const digester = new Digester(digest.startsWith('sha512:') ? 'sha512' : 'sha256');
  for await (const chunk of bytes) {
    digester.update(chunk);
    yield chunk;
  }
  if (digester.digest() !== digest) {
    throw new HawserError('DIGEST_INVALID', `a cache mount is not what its digest ${digest} says`);
  }
}
