import { type ContainerConfig, serializeImageConfig } from '../../image/config.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import { serializeManifest } from '../../image/manifest.ts';
import { mediaTypes } from '../../image/media-types.ts';
import { hostPlatform, type Platform } from '../../image/platform.ts';
import type { ContentStore } from '../store.ts';
import { gunzipIfNeeded } from './gunzip.ts';

export interface ImportOptions {
  /** Full reference; without it the image is kept under its digest. */
  readonly name?: string;
  /** What `--change` makes of the config, e.g. `{ Cmd: ['/bin/sh'] }`. */
  readonly config?: ContainerConfig;
  readonly message?: string;
  readonly platform?: Platform;
  /** Milliseconds since 1970; default now. */
  readonly created?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes an image with one layer of the tar archive of a file tree, which may be compressed with gzip.
 *
 * @throws HawserError COMPRESSION_INVALID, NO_SPACE
 */
export async function importArchive(
  store: ContentStore,
  source: AsyncIterable<Uint8Array>,
  options: ImportOptions = {},
): Promise<Descriptor> {
  const lease = await store.leases.acquire('import');
  try {
    const layer = await store.ingest(gunzipIfNeeded(source), { lease, signal: options.signal });
    const platform = options.platform ?? hostPlatform();
    const created = new Date(options.created ?? Date.now()).toISOString();
    const config = serializeImageConfig({
      created,
      architecture: platform.architecture,
      os: platform.os,
      ...(platform.variant === undefined ? {} : { variant: platform.variant }),
      config: options.config ?? {},
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
      history: [{ created, comment: options.message ?? 'Imported from -' }],
    });
    const manifest = serializeManifest({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: { mediaType: mediaTypes.ociConfig, digest: config.digest, size: config.bytes.length },
      layers: [{ mediaType: mediaTypes.ociLayer, ...layer }],
    });
    await store.ingest([config.bytes], { digest: config.digest, lease });
    await store.ingest([manifest.bytes], { digest: manifest.digest, lease });
    const { mediaType, digest, bytes } = manifest;
    const descriptor = { mediaType, digest, size: bytes.length };
    await store.references.set(options.name ?? digest, descriptor);
    return descriptor;
  } finally {
    await lease.release();
  }
}
