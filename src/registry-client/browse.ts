import { parseNextLink } from '../distribution/link.ts';
import {
  isRepositoryName,
  isTag,
  parseRepositoryName,
  parseTag,
  type RepositoryName,
  type Tag,
} from '../distribution/names.ts';
import { formatRoute, type ManifestReference } from '../distribution/routes.ts';
import { HawserError, isHawserError } from '../errors/hawser-error.ts';
import { formatReference, type Reference } from '../image/reference.ts';
import type { AccessScope } from './auth.ts';
import { discardBody, readBody } from './read-answer.ts';
import { type RemoteOptions, scopeOf } from './resolve.ts';
import type { Transport } from './transport.ts';

/** Bytes of one page. */
const PAGE_LIMIT = 64 << 20;
const PAGE = 1000;

interface Listing extends RemoteOptions {
  readonly scope: AccessScope;
  readonly path: string;
  /** The field of the answer that is the list. */
  readonly field: string;
}

/** The names of a list, page by page: distribution-spec 1.1, "Listing tags". */
async function* listNames(
  transport: Transport,
  { scope, path, field, signal }: Listing,
): AsyncGenerator<string> {
  const seen = new Set<string>();
  for (let target: string | URL | undefined = `${path}?n=${PAGE}`; target !== undefined; ) {
    const answer = await transport.request({
      method: 'GET',
      scope,
      target,
      expect: [200],
      notFound: 'NAME_UNKNOWN',
      signal,
    });
    const body = JSON.parse((await readBody(answer.body, PAGE_LIMIT)).toString('utf8')) as Record<
      string,
      unknown
    >;
    const names = body[field] ?? [];
    if (!Array.isArray(names))
      throw new HawserError('REGISTRY_ERROR', `${scope.domain} sends no list of ${field}`);
    yield* names.map(String);
    const link = parseNextLink([answer.headers.link].flat().join(', '));
    const next: URL | undefined = link === undefined ? undefined : new URL(link, answer.url);
    if (next !== undefined && (next.origin !== answer.url.origin || seen.has(next.href))) {
      throw new HawserError(
        'REGISTRY_ERROR',
        `${scope.domain} leads its list in a circle, or to another host`,
      );
    }
    if (next !== undefined) seen.add(next.href);
    target = next;
  }
}

/** The repositories of a registry, as far as it tells them. */
export async function* listRemoteRepositories(
  transport: Transport,
  domain: string,
  options: RemoteOptions = {},
): AsyncGenerator<RepositoryName> {
  const scope = { domain, path: '', actions: 'catalog' } as const;
  for await (const name of listNames(transport, {
    ...options,
    scope,
    path: formatRoute({ kind: 'catalog' }),
    field: 'repositories',
  })) {
    if (isRepositoryName(name)) yield name;
  }
}

/** The tags of a repository. @throws HawserError NAME_UNKNOWN */
export async function* listRemoteTags(
  transport: Transport,
  reference: Reference,
  options: RemoteOptions = {},
): AsyncGenerator<Tag> {
  const path = formatRoute({ kind: 'tags', name: parseRepositoryName(reference.path) });
  for await (const tag of listNames(transport, {
    ...options,
    scope: scopeOf(reference, 'pull'),
    path,
    field: 'tags',
  })) {
    if (isTag(tag)) yield tag;
  }
}

/**
 * Deletes what a reference names: a tag alone, or by its digest a manifest with all its tags.
 *
 * @throws HawserError MANIFEST_UNKNOWN, UNSUPPORTED
 */
export async function deleteRemote(
  transport: Transport,
  reference: Reference,
  options: RemoteOptions = {},
): Promise<void> {
  const { digest, tag } = reference;
  const wanted: ManifestReference =
    digest === undefined ? { kind: 'tag', tag: parseTag(tag ?? 'latest') } : { kind: 'digest', digest };
  const target = formatRoute({
    kind: 'manifest',
    name: parseRepositoryName(reference.path),
    reference: wanted,
  });
  try {
    const answer = await transport.request({
      method: 'DELETE',
      scope: scopeOf(reference, 'delete'),
      target,
      expect: [200, 202, 204],
      notFound: 'MANIFEST_UNKNOWN',
      signal: options.signal,
    });
    discardBody(answer.body);
  } catch (error) {
    // registry:2 deletes by digest alone, and says so in several ways.
    const isRefused = isHawserError(error, 'UNSUPPORTED') || isHawserError(error, 'DIGEST_INVALID');
    if (!isRefused || wanted.kind === 'digest') throw error;
    throw new HawserError(
      'UNSUPPORTED',
      `${reference.domain} does not delete the tag ${formatReference(reference)}`,
      {
        cause: error,
        remedy: 'Delete by digest: NAME@DIGEST; that takes all tags of the manifest.',
      },
    );
  }
}
