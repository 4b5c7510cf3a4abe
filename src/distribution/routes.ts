import { HawserError } from '../errors/hawser-error.ts';
import { type Digest, isDigest, parseDigest } from '../image/digest.ts';
import { isTag, parseRepositoryName, type RepositoryName, type Tag } from './names.ts';

/** What a manifest is asked for by. */
export type ManifestReference =
  | { readonly kind: 'tag'; readonly tag: Tag }
  | { readonly kind: 'digest'; readonly digest: Digest };

/** A path of the API, whatever the method: distribution-spec 1.1 section "Endpoints". */
export type Route =
  | { readonly kind: 'base' }
  | { readonly kind: 'catalog' }
  | { readonly kind: 'blob'; readonly name: RepositoryName; readonly digest: Digest }
  | { readonly kind: 'uploads'; readonly name: RepositoryName }
  | { readonly kind: 'upload'; readonly name: RepositoryName; readonly uuid: string }
  | { readonly kind: 'manifest'; readonly name: RepositoryName; readonly reference: ManifestReference }
  | { readonly kind: 'tags'; readonly name: RepositoryName }
  | { readonly kind: 'referrers'; readonly name: RepositoryName; readonly digest: Digest };

/** Ids of uploads are UUIDs, so that none can be a path. */
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** @throws HawserError MANIFEST_INVALID, DIGEST_INVALID */
export function parseManifestReference(text: string): ManifestReference {
  if (isTag(text)) return { kind: 'tag', tag: text };
  if (isDigest(text)) return { kind: 'digest', digest: text };
  if (text.includes(':')) return { kind: 'digest', digest: parseDigest(text) };
  throw new HawserError(
    'MANIFEST_INVALID',
    `${JSON.stringify(text.slice(0, 200))} is neither a tag nor a digest`,
    {
      detail: { reference: text.slice(0, 200) },
    },
  );
}

function uploadRoute(name: RepositoryName, uuid: string): Route {
  if (!uuidPattern.test(uuid)) {
    throw new HawserError('BLOB_UPLOAD_UNKNOWN', `there is no upload ${JSON.stringify(uuid.slice(0, 100))}`);
  }
  return { kind: 'upload', name, uuid };
}

const patterns: readonly (readonly [RegExp, (name: RepositoryName, rest: string) => Route])[] = [
  [/^(.+)\/blobs\/uploads\/?$/, name => ({ kind: 'uploads', name })],
  [/^(.+)\/blobs\/uploads\/([^/]+)$/, uploadRoute],
  [/^(.+)\/blobs\/([^/]+)$/, (name, rest) => ({ kind: 'blob', name, digest: parseDigest(rest) })],
  [
    /^(.+)\/manifests\/([^/]+)$/,
    (name, rest) => ({ kind: 'manifest', name, reference: parseManifestReference(rest) }),
  ],
  [/^(.+)\/tags\/list$/, name => ({ kind: 'tags', name })],
  [/^(.+)\/referrers\/([^/]+)$/, (name, rest) => ({ kind: 'referrers', name, digest: parseDigest(rest) })],
];

/**
 * Reads the path of a request, without its query, after percent-decoding: names, digests and upload ids are parsed
 * before anything is done with them (CVE-2024-3727).
 *
 * @returns undefined where the path is not of the API
 * @throws HawserError NAME_INVALID, DIGEST_INVALID, MANIFEST_INVALID, BLOB_UPLOAD_UNKNOWN
 */
export function parseRoute(path: string): Route | undefined {
  if (path === '/v2' || path === '/v2/') return { kind: 'base' };
  if (path === '/v2/_catalog') return { kind: 'catalog' };
  if (!path.startsWith('/v2/')) return undefined;
  const below = path.slice('/v2/'.length);
  for (const [pattern, make] of patterns) {
    const match = pattern.exec(below);
    if (match !== null) return make(parseRepositoryName(match[1] ?? ''), match[2] ?? '');
  }
  return undefined;
}

function formatManifestReference(reference: ManifestReference): string {
  return reference.kind === 'tag' ? reference.tag : reference.digest;
}

/** The path of a route, without a query. */
export function formatRoute(route: Route): string {
  switch (route.kind) {
    case 'base':
      return '/v2/';
    case 'catalog':
      return '/v2/_catalog';
    case 'blob':
      return `/v2/${route.name}/blobs/${route.digest}`;
    case 'uploads':
      return `/v2/${route.name}/blobs/uploads/`;
    case 'upload':
      return `/v2/${route.name}/blobs/uploads/${route.uuid}`;
    case 'manifest':
      return `/v2/${route.name}/manifests/${formatManifestReference(route.reference)}`;
    case 'tags':
      return `/v2/${route.name}/tags/list`;
    case 'referrers':
      return `/v2/${route.name}/referrers/${route.digest}`;
  }
}
