import { resolve } from 'node:path';
import { LayoutBlobs } from '../../content/layout-blobs.ts';
import { readManifest } from '../../content/read-blob.ts';
import { HawserError } from '../../errors/hawser-error.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import { type Digest, digestAlgorithm, digestOf } from '../../image/digest.ts';
import type { ManifestDocument, ManifestOfImage } from '../../image/manifest.ts';
import { type Platform, selectPlatform } from '../../image/platform.ts';
import { findInLayout } from '../context/oci-layout.ts';
import {
  type CacheStep,
  cacheDocumentLimit,
  inlineCacheAnnotation,
  isCacheManifest,
  parseCache,
} from './cache-document.ts';

/** Where a build cache is read from: a registry or a folder. */
export interface CacheSource {
  /** For messages, e.g. `registry cache localhost:5000/app:cache`. */
  readonly name: string;
  /**
   * The manifest or index; the one that the source is named after, or the one of this digest.
   *
   * @throws HawserError, whatever the source says
   */
  manifest(digest: Digest | undefined, signal: AbortSignal): Promise<ManifestDocument>;
  /** The bytes of a blob, which nobody has verified. */
  blob(descriptor: Descriptor, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** What a source holds. */
export interface LoadedCache {
  readonly source: CacheSource;
  readonly steps: readonly CacheStep[];
  /** As they lie there. */
  readonly layers: readonly Descriptor[];
}

const INDEX_DEPTH = 4;

/**
 * Reads the list of steps of a cache artifact, or of an image with a cache inline.
 *
 * @throws HawserError MANIFEST_INVALID for what is no build cache, PLATFORM_UNAVAILABLE, and what the source throws
 */
export async function loadCache(
  source: CacheSource,
  options: { readonly platform: Platform; readonly signal: AbortSignal },
): Promise<LoadedCache> {
  const manifest = await manifestFor(source, options);
  const { layers, config, annotations } = manifest.value;
  if (isCacheManifest(manifest)) {
    return {
      source,
      layers,
      steps: parseCache(await readConfig(source, config, options.signal), layers.length),
    };
  }
  const inline = annotations?.[inlineCacheAnnotation];
  if (inline === undefined) {
    throw new HawserError('MANIFEST_INVALID', `${source.name} is an image without a build cache`);
  }
  return { source, layers, steps: parseCache(new TextEncoder().encode(inline), layers.length) };
}

async function readConfig(source: CacheSource, config: Descriptor, signal: AbortSignal): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source.blob(config, signal)) {
    size += chunk.length;
    if (size > cacheDocumentLimit) {
      throw new HawserError(
        'SIZE_INVALID',
        `the list of steps is over the limit of ${cacheDocumentLimit} bytes`,
      );
    }
    chunks.push(Uint8Array.from(chunk));
  }
  const bytes = Buffer.concat(chunks);
  if (digestOf(bytes, digestAlgorithm(config.digest)) !== config.digest) {
    throw new HawserError('DIGEST_INVALID', `the list of steps is not what its digest ${config.digest} says`);
  }
  return bytes;
}

async function manifestFor(
  source: CacheSource,
  { platform, signal }: { readonly platform: Platform; readonly signal: AbortSignal },
): Promise<ManifestOfImage> {
  let document = await source.manifest(undefined, signal);
  for (let depth = 0; document.kind === 'index'; depth++) {
    const selected = depth < INDEX_DEPTH ? selectPlatform(document.value.manifests, platform) : undefined;
    if (selected === undefined) {
      throw new HawserError('PLATFORM_UNAVAILABLE', `${source.name} has nothing for this platform`);
    }
    document = await source.manifest(selected.digest, signal);
  }
  return document;
}

/** A folder that `--cache-to type=local` wrote, or any other OCI image layout. */
export function localCacheSource(
  folder: string,
  wanted: { readonly name?: string; readonly digest?: string },
): CacheSource {
  const blobs = new LayoutBlobs(resolve(folder), '');
  return {
    name: `local cache ${folder}`,
    async manifest(digest, signal) {
      if (digest === undefined) return readManifest(blobs, await findInLayout(folder, wanted), { signal });
      const info = await blobs.stat(digest);
      if (info === undefined) throw new HawserError('BLOB_UNKNOWN', `${folder} has no manifest ${digest}`);
      return readManifest(blobs, info, { signal });
    },
    blob: ({ digest }, signal) => blobs.open(digest, { signal }),
  };
}
