import { parseRepositoryName } from '../distribution/names.ts';
import { formatRoute } from '../distribution/routes.ts';
import type { Descriptor } from '../image/descriptor.ts';
import type { Digest } from '../image/digest.ts';
import { manifestSizeLimit, parseManifest } from '../image/manifest.ts';
import { mediaTypes } from '../image/media-types.ts';
import type { Reference } from '../image/reference.ts';
import { listUnderReferrersTag } from './push-referrer.ts';
import { discardBody, readBody } from './read-answer.ts';
import { scopeOf } from './resolve.ts';
import type { Transport } from './transport.ts';

/**
 * What refers to a manifest at a registry, by its referrers API where it has one, else by the tag of the schema:
 * distribution-spec 1.1 "Listing Referrers". Of a list in several pages, the first.
 */
export async function listRemoteReferrers(
  transport: Transport,
  reference: Reference,
  options: { readonly subject: Digest; readonly signal?: AbortSignal | undefined },
): Promise<readonly Descriptor[]> {
  const name = parseRepositoryName(reference.path);
  const answer = await transport.request({
    method: 'GET',
    scope: scopeOf(reference, 'pull'),
    target: formatRoute({ kind: 'referrers', name, digest: options.subject }),
    headers: { accept: mediaTypes.ociIndex },
    expect: [200, 400, 404, 405],
    signal: options.signal,
  });
  const mediaType = answer.headers['content-type']?.split(';')[0]?.trim();
  if (answer.status !== 200 || mediaType !== mediaTypes.ociIndex) {
    discardBody(answer.body);
    return listUnderReferrersTag(transport, reference, options);
  }
  const document = parseManifest(await readBody(answer.body, manifestSizeLimit));
  return document.kind === 'index' ? document.value.manifests : [];
}
