import { type Digest, digestOf } from '../../image/digest.ts';
import {
  asArray,
  asDigest,
  asSize,
  asString,
  child,
  isMissing,
  type JsonField,
  parseJsonObject,
  wrongField,
} from '../../image/json-check.ts';
import type { ManifestOfImage } from '../../image/manifest.ts';

/** Of the config of a manifest that is a build cache and no image. */
export const cacheConfigType = 'application/vnd.hawser.build-cache.config.v1+json';
/** The annotation of an image's manifest with the keys of its own layers (`--cache-to type=inline`). */
export const inlineCacheAnnotation = 'vnd.hawser.build-cache.v1';
/** Bytes, of either. */
export const cacheDocumentLimit = 4 << 20;

const DOCUMENT_VERSION = 1;
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/** A key of a build step, and what the step came to. */
export interface CacheStep {
  readonly key: Digest;
  readonly diffID: Digest;
  /** Bytes of the layer when it is not compressed. */
  readonly size: number;
  /** RFC 3339 */
  readonly created: string;
  /**
   * Number of the layer in the manifest. Left out, the artifact does not have it: enough for who needs its name, to find
   * what stands on it, and not its files.
   */
  readonly layer?: number;
  /** Keys of the cache mounts that the step has used; those that go along are layers with an annotation. */
  readonly caches?: readonly string[];
}

/** The text of a cache's config or annotation; the same steps give the same bytes. */
export function serializeCache(steps: readonly CacheStep[]): string {
  const ordered = steps.toSorted((left, right) => (left.key < right.key ? -1 : 1));
  return JSON.stringify({ version: DOCUMENT_VERSION, steps: ordered });
}

/** @throws HawserError MANIFEST_INVALID naming the field */
export function parseCache(bytes: Uint8Array, layers: number): readonly CacheStep[] {
  const value = parseJsonObject('build cache', bytes);
  const root: JsonField = { document: 'build cache', path: '', value };
  const version = child(root, 'version');
  if (version.value !== DOCUMENT_VERSION) throw wrongField(version, String(DOCUMENT_VERSION));
  return asArray(child(root, 'steps')).map(field => asStep(field, layers));
}

function asStep(field: JsonField, layers: number): CacheStep {
  const created = child(field, 'created');
  if (!rfc3339.test(asString(created))) throw wrongField(created, 'a time (RFC 3339)');
  const step = {
    key: asDigest(child(field, 'key')),
    diffID: asDigest(child(field, 'diffID')),
    size: asSize(child(field, 'size')),
    created: asString(created),
  };
  const mounts = child(field, 'caches');
  const caches = isMissing(mounts) ? {} : { caches: asArray(mounts).map(asMountKey) };
  const layer = child(field, 'layer');
  if (isMissing(layer)) return { ...step, ...caches };
  const number = asSize(layer);
  if (number >= layers) throw wrongField(layer, `the number of one of ${layers} layers`);
  return { ...step, ...caches, layer: number };
}

/** It names a folder. */
function asMountKey(field: JsonField): string {
  const key = asString(field);
  if (!/^[0-9a-f]{40}$/.test(key)) throw wrongField(field, 'the key of a cache mount');
  return key;
}

export function isCacheManifest({ value }: ManifestOfImage): boolean {
  return value.config.mediaType === cacheConfigType;
}

/** Content and descriptor of a cache's config. */
export function cacheConfig(steps: readonly CacheStep[]) {
  const bytes = new TextEncoder().encode(serializeCache(steps));
  return { bytes, descriptor: { mediaType: cacheConfigType, digest: digestOf(bytes), size: bytes.length } };
}
