import { HawserError, messageOf } from '../../errors/hawser-error.ts';
import { configSizeLimit, parseImageConfig } from '../../image/config.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import { serializeManifest } from '../../image/manifest.ts';
import { mediaTypes } from '../../image/media-types.ts';
import { formatReference, parseReference, withDefaultTag } from '../../image/reference.ts';
import { readBlob } from '../read-blob.ts';
import type { BlobInfo, BlobReader, ContentStore, Lease } from '../store.ts';
import type { LoadedImage } from './load.ts';
import type { ArchiveFiles } from './read-archive.ts';

interface DockerImage {
  readonly config: string;
  readonly layers: readonly string[];
  /** Full references. */
  readonly names: readonly string[];
}

function wrong(path: string, expected: string): HawserError {
  return new HawserError('MANIFEST_INVALID', `manifest.json: ${path} is not ${expected}`);
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(item => typeof item === 'string');
}

/** manifest.json of `docker save`: https://github.com/moby/docker-image-spec v1.2, "Combined Image JSON + Filesystem" */
export function parseDockerManifest(bytes: Uint8Array): readonly DockerImage[] {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw new HawserError('MANIFEST_INVALID', `manifest.json: ${messageOf(error)}`, { cause: error });
  }
  if (!Array.isArray(value)) throw wrong('the document', 'a list');
  return value.map((item: unknown, index) => {
    const { Config, Layers, RepoTags } = (item ?? {}) as Partial<Record<string, unknown>>;
    if (typeof Config !== 'string') throw wrong(`[${index}].Config`, 'a path');
    if (!isStrings(Layers)) throw wrong(`[${index}].Layers`, 'a list of paths');
    if (RepoTags !== undefined && RepoTags !== null && !isStrings(RepoTags)) {
      throw wrong(`[${index}].RepoTags`, 'a list of names');
    }
    const names = (RepoTags ?? []).map(name => formatReference(withDefaultTag(parseReference(name))));
    return { config: Config, layers: Layers, names };
  });
}

/** Gives each image of a docker archive a manifest, which such archives lack. */
export async function dockerImages(
  store: ContentStore,
  files: ArchiveFiles,
  options: { readonly bytes: Uint8Array; readonly lease: Lease },
): Promise<readonly LoadedImage[]> {
  const loaded: LoadedImage[] = [];
  for (const { config: configPath, layers: layerPaths, names } of parseDockerManifest(options.bytes)) {
    const config = requireFile(files, configPath);
    const bytes = await readBlob(store, config, { maxSize: configSizeLimit });
    const { diff_ids: diffIDs } = parseImageConfig(bytes).value.rootfs;
    if (diffIDs.length !== layerPaths.length) {
      throw wrong(`Layers of ${configPath}`, `as long as rootfs.diff_ids, ${diffIDs.length} layers`);
    }
    const layers: Descriptor[] = [];
    for (const [index, path] of layerPaths.entries()) {
      const blob = requireFile(files, path);
      const layer = { mediaType: await layerMediaType(store, blob), ...blob };
      if (layer.mediaType === mediaTypes.ociLayer && layer.digest !== diffIDs[index]) {
        throw new HawserError(
          'DIGEST_INVALID',
          `layer ${path} hashes to ${layer.digest} instead of ${diffIDs[index]}`,
        );
      }
      layers.push(layer);
    }
    const manifest = serializeManifest({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: { mediaType: mediaTypes.ociConfig, ...config },
      layers,
    });
    await store.ingest([manifest.bytes], { digest: manifest.digest, lease: options.lease });
    loaded.push({
      names,
      descriptor: { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.length },
    });
  }
  return loaded;
}

function requireFile(files: ArchiveFiles, path: string): BlobInfo {
  const found = files.blob(path);
  if (found !== undefined) return found;
  throw new HawserError(
    'TAR_INVALID',
    `the archive lacks ${JSON.stringify(path)}, which its manifest.json names`,
  );
}

/** By its first bytes: gzip, zstd, or a plain tar. */
async function layerMediaType(store: BlobReader, { digest }: BlobInfo): Promise<string> {
  for await (const chunk of store.open(digest, { end: 4 })) {
    const magic = Buffer.from(chunk).toString('hex');
    if (magic.startsWith('1f8b')) return mediaTypes.ociLayerGzip;
    if (magic === '28b52ffd') return mediaTypes.ociLayerZstd;
    break;
  }
  return mediaTypes.ociLayer;
}
