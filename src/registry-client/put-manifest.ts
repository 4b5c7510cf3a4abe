import { headers } from '../distribution/headers.ts';
import { parseRepositoryName } from '../distribution/names.ts';
import { formatRoute, parseManifestReference } from '../distribution/routes.ts';
import { HawserError } from '../errors/hawser-error.ts';
import type { Descriptor } from '../image/descriptor.ts';
import type { ManifestDocument } from '../image/manifest.ts';
import type { Reference } from '../image/reference.ts';
import { discardBody } from './read-answer.ts';
import { scopeOf } from './resolve.ts';
import type { Transport } from './transport.ts';

/** Whether a layer stays where its URLs say. */
export function isForeign(layer: Descriptor): boolean {
  return layer.mediaType.includes('nondistributable') || layer.mediaType.includes('.foreign.');
}

export interface PutManifestOptions {
  readonly reference: Reference;
  /** Tag or digest. */
  readonly as: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * @returns whether the registry lists it among the referrers of its subject by itself
 * @throws HawserError DIGEST_INVALID where the registry stored something else, and what `Transport.request` throws
 */
export async function putManifest(
  transport: Transport,
  document: ManifestDocument,
  options: PutManifestOptions,
): Promise<boolean> {
  const { reference, signal } = options;
  const answer = await transport.request({
    method: 'PUT',
    scope: scopeOf(reference, 'pull,push'),
    target: formatRoute({
      kind: 'manifest',
      name: parseRepositoryName(reference.path),
      reference: parseManifestReference(options.as),
    }),
    headers: { 'content-type': document.mediaType },
    body: () => document.bytes,
    expect: [201],
    repeatable: true,
    signal,
  });
  discardBody(answer.body);
  const announced = answer.headers[headers.contentDigest];
  if (announced !== undefined && announced !== document.digest) {
    throw new HawserError(
      'DIGEST_INVALID',
      `${reference.domain} stored ${String(announced)} for ${document.digest}`,
    );
  }
  return answer.headers[headers.subject] !== undefined;
}
