import { formatNextLink } from '../../distribution/link.ts';
import type { RepositoryName } from '../../distribution/names.ts';
import { formatRoute, type Route } from '../../distribution/routes.ts';
import { HawserError } from '../../errors/hawser-error.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import type { Digest } from '../../image/digest.ts';
import { mediaTypes } from '../../image/media-types.ts';
import type { RequestContext } from '../registry-context.ts';
import type { RegistryRequest, RegistryResponse } from '../registry-message.ts';
import { pageOfTags } from '../storage/tags.ts';
import { json, pageSizeOf, queryOf } from './reply.ts';

/** Entries of a catalog page where the client names no number; registry:2's default. */
const CATALOG_PAGE = 100;
/** Bytes of a page of referrers: clients cap what they read at 4 MiB. */
const REFERRERS_PAGE = 3 << 20;

function next(
  context: RequestContext,
  route: Route,
  query: Readonly<Record<string, string>>,
): Record<string, string> {
  const target = `${context.prefix}${formatRoute(route)}?${new URLSearchParams(query)}`;
  return { Link: formatNextLink(target) };
}

/** end-8, GET `/v2/<name>/tags/list[?n=&last=]` */
export async function listTags(
  request: RegistryRequest,
  context: RequestContext,
  { name }: { readonly name: RepositoryName },
): Promise<RegistryResponse> {
  const query = queryOf(request);
  const count = Math.min(pageSizeOf(query) ?? Number.POSITIVE_INFINITY, context.tagLimit);
  const options = { after: query.get('last') ?? '', count };
  const upstream = await context.proxy?.tags(name);
  const page =
    upstream === undefined ? await context.volume.tags.page(name, options) : pageOfTags(upstream, options);
  if (page === undefined) {
    throw new HawserError('NAME_UNKNOWN', `there is no repository ${name}`, { detail: { name } });
  }
  const { tags, last, hasMore } = page;
  const link =
    hasMore && last !== undefined ? next(context, { kind: 'tags', name }, { last, n: String(count) }) : {};
  return json(200, { name, tags }, link);
}

/** GET `/v2/_catalog[?n=&last=]`, registry:2's list of repositories; a huge `n` is clamped (CVE-2023-2253). */
export async function listCatalog(
  request: RegistryRequest,
  context: RequestContext,
): Promise<RegistryResponse> {
  const query = queryOf(request);
  const count = Math.min(pageSizeOf(query) ?? CATALOG_PAGE, context.catalogLimit);
  const repositories: RepositoryName[] = [];
  let hasMore = false;
  if (count > 0) {
    for await (const name of context.volume.repositories(query.get('last') ?? '')) {
      hasMore = repositories.length === count;
      if (hasMore) break;
      repositories.push(name);
    }
  }
  const link = hasMore
    ? next(context, { kind: 'catalog' }, { last: repositories.at(-1) ?? '', n: String(count) })
    : {};
  return json(200, { repositories }, link);
}

/** As many descriptors as fit into a page, at least one. */
function pageOf(descriptors: readonly Descriptor[]): readonly Descriptor[] {
  let size = 0;
  const page = descriptors.findIndex((descriptor, index) => {
    size += JSON.stringify(descriptor).length;
    return size > REFERRERS_PAGE && index > 0;
  });
  return page < 0 ? descriptors : descriptors.slice(0, page);
}

/** end-12, GET `/v2/<name>/referrers/<digest>[?artifactType=]`: an index, empty for what nobody knows. */
export async function listReferrers(
  request: RegistryRequest,
  context: RequestContext,
  { name, digest }: { readonly name: RepositoryName; readonly digest: Digest },
): Promise<RegistryResponse> {
  const query = queryOf(request);
  const artifactType = query.get('artifactType') ?? '';
  const last = query.get('last') ?? '';
  const all =
    (await context.proxy?.referrers(name, digest)) ?? (await context.volume.referrers.list(name, digest));
  const wanted = all.filter(
    each =>
      (artifactType === '' || each.artifactType === artifactType) && (last === '' || each.digest > last),
  );
  const page = pageOf(wanted);
  const filter: Record<string, string> = artifactType === '' ? {} : { artifactType };
  const link =
    page.length < wanted.length
      ? next(context, { kind: 'referrers', name, digest }, { ...filter, last: page.at(-1)?.digest ?? '' })
      : {};
  return json(
    200,
    { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: page },
    {
      'Content-Type': mediaTypes.ociIndex,
      ...(artifactType === '' ? {} : { 'OCI-Filters-Applied': 'artifactType' }),
      ...link,
    },
  );
}
