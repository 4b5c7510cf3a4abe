import { parseNextLink } from '../distribution/link.ts';
import { parseRepositoryName } from '../distribution/names.ts';
import { formatRoute } from '../distribution/routes.ts';
import { HawserError } from '../errors/hawser-error.ts';
import type { Descriptor } from '../image/descriptor.ts';
import type { Digest } from '../image/digest.ts';
import { type ManifestDocument, manifestSizeLimit, parseManifest } from '../image/manifest.ts';
import { mediaTypes } from '../image/media-types.ts';
import type { Reference } from '../image/reference.ts';
import { listUnderReferrersTag } from './push-referrer.ts';
import { discardBody, readBody } from './read-answer.ts';
import { scopeOf } from './resolve.ts';
import type { Transport } from './transport.ts';

/** Pages of one list; each has up to 4 MiB. */
const PAGE_COUNT = 100;

/**
 * What refers to a manifest at a registry, by its referrers API where it has one, else by the tag of the schema:
 * distribution-spec 1.1 "Listing Referrers".
 *
 * @throws HawserError REGISTRY_ERROR
 */
export async function listRemoteReferrers(
  transport: Transport,
  reference: Reference,
  options: { readonly subject: Digest; readonly signal?: AbortSignal | undefined },
): Promise<readonly Descriptor[]> {
  const name = parseRepositoryName(reference.path);
  const found: Descriptor[] = [];
  let target: string | URL | undefined = formatRoute({ kind: 'referrers', name, digest: options.subject });
  for (let count = 0; target !== undefined; count++) {
    if (count === PAGE_COUNT)
      throw new HawserError(
        'REGISTRY_ERROR',
        `${reference.domain} leads its referrers through too many pages`,
      );
    const page = await pageAt(transport, reference, { target, signal: options.signal });
    if (page === undefined) return await listUnderReferrersTag(transport, reference, options);
    found.push(...page.manifests);
    target = page.next;
  }
  return found;
}

interface Page {
  readonly manifests: readonly Descriptor[];
  readonly next: URL | undefined;
}

/** Undefined where the registry has no referrers API. */
async function pageAt(
  transport: Transport,
  reference: Reference,
  { target, signal }: { readonly target: string | URL; readonly signal?: AbortSignal | undefined },
): Promise<Page | undefined> {
  const answer = await transport.request({
    method: 'GET',
    scope: scopeOf(reference, 'pull'),
    target,
    headers: { accept: mediaTypes.ociIndex },
    expect: [200, 400, 404, 405],
    signal,
  });
  const mediaType = answer.headers['content-type']?.split(';')[0]?.trim();
  if (answer.status !== 200 || mediaType !== mediaTypes.ociIndex) {
    discardBody(answer.body);
    return undefined;
  }
  const document = indexOf(await readBody(answer.body, manifestSizeLimit), reference);
  const link = parseNextLink([answer.headers.link].flat().join(', '));
  const next = link === undefined ? undefined : new URL(link, answer.url);
  if (next !== undefined && next.origin !== answer.url.origin)
    throw new HawserError('REGISTRY_ERROR', `${reference.domain} leads its referrers to another host`);
  return { manifests: document.kind === 'index' ? document.value.manifests : [], next };
}

function indexOf(bytes: Uint8Array, { domain }: Reference): ManifestDocument {
  try {
    return parseManifest(bytes, { mediaType: mediaTypes.ociIndex });
  } catch (error) {
    throw new HawserError('REGISTRY_ERROR', `${domain} sends a list of referrers that is none`, {
      cause: error,
    });
  }
}
