import { headers } from '../distribution/headers.ts';
import { parseRepositoryName } from '../distribution/names.ts';
import { formatRoute, type ManifestReference, parseManifestReference } from '../distribution/routes.ts';
import { HawserError } from '../errors/hawser-error.ts';
import { digestAlgorithm, digestOf, isDigest } from '../image/digest.ts';
import { type ManifestDocument, manifestSizeLimit, parseManifest } from '../image/manifest.ts';
import { mediaTypes } from '../image/media-types.ts';
import { formatReference, type Reference } from '../image/reference.ts';
import type { AccessScope } from './auth.ts';
import { readBody } from './read-answer.ts';
import type { Transport } from './transport.ts';

/** registry:2 answers 404 to an OCI manifest, and rewrites a list to amd64, where the type is not accepted by name. */
export const acceptedManifests = [
  mediaTypes.ociIndex,
  mediaTypes.ociManifest,
  mediaTypes.dockerManifestList,
  mediaTypes.dockerManifest,
].join(', ');

export interface RemoteOptions {
  readonly signal?: AbortSignal | undefined;
}

/** The scope of requests that read (or write) a repository. */
export function scopeOf({ domain, path }: Reference, actions: AccessScope['actions']): AccessScope {
  return { domain, path, actions };
}

/** What a reference asks a registry for: its digest where it has one, else its tag. */
function wantedOf(reference: Reference): ManifestReference {
  return parseManifestReference(reference.digest ?? reference.tag ?? 'latest');
}

/**
 * Fetches the manifest or index that a reference names, verified against the digest asked for and the one announced.
 *
 * @throws HawserError MANIFEST_UNKNOWN, DIGEST_INVALID, MANIFEST_INVALID, SIZE_INVALID, and what `Transport.request` throws
 */
export async function resolveRemote(
  transport: Transport,
  reference: Reference,
  options: RemoteOptions & { readonly scope?: AccessScope } = {},
): Promise<ManifestDocument> {
  const wanted = wantedOf(reference);
  const answer = await transport.request({
    method: 'GET',
    scope: options.scope ?? scopeOf(reference, 'pull'),
    target: formatRoute({ kind: 'manifest', name: parseRepositoryName(reference.path), reference: wanted }),
    headers: { accept: acceptedManifests },
    expect: [200],
    notFound: 'MANIFEST_UNKNOWN',
    signal: options.signal,
  });
  const bytes = await readBody(answer.body, manifestSizeLimit);
  const announced = answer.headers[headers.contentDigest];
  const expected = wanted.kind === 'digest' ? wanted.digest : announced;
  for (const digest of [wanted.kind === 'digest' ? wanted.digest : undefined, announced]) {
    if (digest === undefined) continue;
    if (typeof digest !== 'string' || !isDigest(digest)) {
      throw new HawserError(
        'DIGEST_INVALID',
        `${reference.domain} announces the digest ${JSON.stringify(digest)}`,
      );
    }
    const actual = digestOf(bytes, digestAlgorithm(digest));
    if (actual !== digest) {
      throw new HawserError(
        'DIGEST_INVALID',
        `manifest of ${formatReference(reference)} has digest ${actual}, not ${digest}`,
        {
          remedy: 'The registry or something on the way changes content: do not use it.',
        },
      );
    }
  }
  const algorithm = typeof expected === 'string' && isDigest(expected) ? digestAlgorithm(expected) : 'sha256';
  const mediaType = answer.headers['content-type']?.split(';')[0]?.trim();
  return parseManifest(bytes, { mediaType, algorithm });
}
