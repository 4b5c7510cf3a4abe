import { isIndexMediaType, isManifestMediaType, mediaTypes } from '../../image/media-types.ts';

/**
 * The media type of a manifest in a volume, which the layout does not store: the document's own, else an index where it
 * has `manifests`, else an image manifest, as registry:2 decides. Undefined for what cannot be served, e.g. Docker's
 * schema 1. Lenient on purpose: what an older registry took must still be served; `parseManifest` guards pushes.
 */
export function storedMediaType(bytes: Uint8Array): string | undefined {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined; // not a manifest
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return undefined;
  const fields = document as Readonly<Record<string, unknown>>;
  if (fields.schemaVersion !== 2) return undefined;
  const own = fields.mediaType;
  if (typeof own === 'string' && own !== '') {
    return isIndexMediaType(own) || isManifestMediaType(own) ? own : undefined;
  }
  return 'manifests' in fields ? mediaTypes.ociIndex : mediaTypes.ociManifest;
}
