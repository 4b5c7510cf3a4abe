import type { ContentStore } from '../../src/content/store.ts';
import { serializeImageConfig } from '../../src/image/config.ts';
import type { Descriptor } from '../../src/image/descriptor.ts';
import { type ManifestOfImage, serializeManifest } from '../../src/image/manifest.ts';
import { mediaTypes } from '../../src/image/media-types.ts';
import type { Platform } from '../../src/image/platform.ts';
import { tarEntry } from '../../src/tar/entry.ts';
import { tarItem, writeTar } from '../../src/tar/writer.ts';
import { byteString } from '../../src/util/byte-string.ts';
import { collect } from './conformance.ts';

/** A tar archive of plain files. */
export async function tarOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<Buffer> {
  const items = Object.entries(files).map(([name, content]) =>
    tarItem(tarEntry({ type: 'file', name: byteString(name) }), Buffer.from(content as string)),
  );
  return collect(writeTar(items));
}

/** Puts an image with one layer per text into the store. */
export async function addImage(
  store: ContentStore,
  layers: readonly string[],
  platform: Platform = { os: 'linux', architecture: 'amd64' },
): Promise<{ descriptor: Descriptor; manifest: ManifestOfImage }> {
  const blobs = [];
  for (const layer of layers) blobs.push(await store.ingest([await tarOf({ file: layer })]));
  const config = serializeImageConfig({
    architecture: platform.architecture,
    os: platform.os,
    config: { Cmd: ['/bin/sh'] },
    rootfs: { type: 'layers', diff_ids: blobs.map(({ digest }) => digest) },
  });
  await store.ingest([config.bytes]);
  const manifest = serializeManifest({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, digest: config.digest, size: config.bytes.length },
    layers: blobs.map(blob => ({ mediaType: mediaTypes.ociLayer, ...blob })),
  });
  await store.ingest([manifest.bytes]);
  const descriptor = { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.length };
  return { descriptor, manifest };
}

/** Puts an index over images into the store. */
export async function addIndex(
  store: ContentStore,
  entries: readonly { readonly descriptor: Descriptor; readonly platform: Platform }[],
): Promise<Descriptor> {
  const index = serializeManifest({
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: entries.map(({ descriptor, platform }) => ({ ...descriptor, platform })),
  });
  await store.ingest([index.bytes]);
  return { mediaType: index.mediaType, digest: index.digest, size: index.bytes.length };
}
