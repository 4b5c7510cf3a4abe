import { headers } from '../distribution/headers.ts';
import { parseRepositoryName } from '../distribution/names.ts';
import { formatRoute, parseManifestReference } from '../distribution/routes.ts';
import { HawserError } from '../errors/hawser-error.ts';
import { type Digest, isDigest } from '../image/digest.ts';
import { formatReference, type Reference } from '../image/reference.ts';
import { discardBody } from './read-answer.ts';
import { acceptedManifests, type RemoteOptions, scopeOf } from './resolve.ts';
import type { Transport } from './transport.ts';

/**
 * What a tag names, without its manifest; undefined where the registry does not say.
 *
 * @throws HawserError MANIFEST_UNKNOWN, and what `Transport.request` throws
 */
export async function lookUpDigest(
  transport: Transport,
  reference: Reference,
  options: RemoteOptions = {},
): Promise<Digest | undefined> {
  const wanted = parseManifestReference(reference.tag ?? 'latest');
  const answer = await transport.request({
    method: 'HEAD',
    scope: scopeOf(reference, 'pull'),
    target: formatRoute({ kind: 'manifest', name: parseRepositoryName(reference.path), reference: wanted }),
    headers: { accept: acceptedManifests },
    expect: [200],
    notFound: 'MANIFEST_UNKNOWN',
    signal: options.signal,
  });
  discardBody(answer.body);
  const digest = answer.headers[headers.contentDigest];
  return typeof digest === 'string' && isDigest(digest) ? digest : undefined;
}

/** Bytes of a blob. @throws HawserError BLOB_UNKNOWN, REGISTRY_ERROR, and what `Transport.request` throws */
export async function lookUpBlob(
  transport: Transport,
  reference: Reference & { readonly digest: Digest },
  options: RemoteOptions = {},
): Promise<number> {
  const { path, digest } = reference;
  const answer = await transport.request({
    method: 'HEAD',
    scope: scopeOf(reference, 'pull'),
    target: formatRoute({ kind: 'blob', name: parseRepositoryName(path), digest }),
    expect: [200],
    notFound: 'BLOB_UNKNOWN',
    signal: options.signal,
  });
  discardBody(answer.body);
  const length = answer.headers['content-length'] ?? '';
  if (/^\d{1,15}$/.test(length)) return Number(length);
  throw new HawserError(
    'REGISTRY_ERROR',
    `${reference.domain} does not say how long ${formatReference(reference)} is`,
  );
}
