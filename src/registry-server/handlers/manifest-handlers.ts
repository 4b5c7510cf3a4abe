import { parseTag, type RepositoryName, type Tag } from '../../distribution/names.ts';
import { formatRoute, type ManifestReference } from '../../distribution/routes.ts';
import { HawserError } from '../../errors/hawser-error.ts';
import { type Digest, digestAlgorithm } from '../../image/digest.ts';
import { type ManifestDocument, manifestSizeLimit, parseManifest } from '../../image/manifest.ts';
import type { EventTarget } from '../events/event.ts';
import { emit, type RequestContext } from '../registry-context.ts';
import type { RegistryRequest, RegistryResponse } from '../registry-message.ts';
import type { StoredManifest } from '../storage/manifests.ts';
import { checkPushable, findReferences } from './check-manifest.ts';
import { errorResponse } from './error-response.ts';
import {
  absoluteURL,
  empty,
  formatWarning,
  isNotModified,
  locationOf,
  queryOf,
  requireDeletes,
} from './reply.ts';

/** `?tag=` parameters of one PUT; the specification wants ten at least. */
const TAG_LIMIT = 100;

export interface ManifestTarget {
  readonly name: RepositoryName;
  readonly reference: ManifestReference;
}

function unknownManifest({ name, reference }: ManifestTarget): HawserError {
  const what = reference.kind === 'tag' ? `tag ${reference.tag}` : `manifest ${reference.digest}`;
  const detail = reference.kind === 'tag' ? { name, tag: reference.tag } : { name, digest: reference.digest };
  return new HawserError('MANIFEST_UNKNOWN', `${what} is not in ${name}`, { detail });
}

async function findManifest(
  context: RequestContext,
  { name, reference }: ManifestTarget,
): Promise<StoredManifest | undefined> {
  const { tags, manifests } = context.volume;
  const digest = reference.kind === 'digest' ? reference.digest : await tags.get(name, reference.tag);
  return digest === undefined ? undefined : await manifests.get(name, digest);
}

/** end-3, GET and HEAD `/v2/<name>/manifests/<reference>`: the bytes as they were pushed, whatever Accept says. */
export async function getManifest(
  request: RegistryRequest,
  context: RequestContext,
  target: ManifestTarget,
): Promise<RegistryResponse> {
  const manifest = await findManifest(context, target);
  if (manifest === undefined) throw unknownManifest(target);
  const etag = `"${manifest.digest}"`;
  const headers = { 'Docker-Content-Digest': manifest.digest, Etag: etag };
  if (isNotModified(request, etag)) return empty(304, headers);
  const answer = {
    status: 200,
    headers: {
      'Content-Type': manifest.mediaType,
      'Content-Length': String(manifest.bytes.length),
      ...headers,
    },
  };
  if (request.method === 'HEAD') return answer;
  if (context.notify !== undefined) {
    const tag = target.reference.kind === 'tag' ? { tag: target.reference.tag } : {};
    await emit(context, 'pull', { ...manifestEvent(context, target.name, manifest), ...tag });
  }
  return { ...answer, body: manifest.bytes };
}

/** The body up to the limit; undefined as soon as it is longer, however long it goes on (CVE-2017-11468). */
async function readCapped(request: RegistryRequest): Promise<Buffer | undefined> {
  if (Number(request.header('content-length') ?? '0') > manifestSizeLimit) return undefined;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.length;
    if (size > manifestSizeLimit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** `Content-Type` without parameters; undefined where there is none. */
function announcedType(request: RegistryRequest): string | undefined {
  const text = request.header('content-type')?.split(';')[0]?.trim().toLowerCase();
  return text === undefined || text === '' ? undefined : text;
}

function tagsOf(request: RegistryRequest, reference: ManifestReference): readonly Tag[] {
  if (reference.kind === 'tag') return [reference.tag];
  return [...new Set(queryOf(request).getAll('tag'))].map(parseTag);
}

function documentOf(request: RegistryRequest, reference: ManifestReference, bytes: Buffer): ManifestDocument {
  const wanted = reference.kind === 'digest' ? reference.digest : undefined;
  const algorithm = wanted === undefined ? 'sha256' : digestAlgorithm(wanted);
  const document = parseManifest(bytes, { mediaType: announcedType(request), algorithm });
  if (wanted === undefined || document.digest === wanted) return document;
  throw new HawserError('DIGEST_INVALID', `the manifest hashes to ${document.digest}, not to ${wanted}`, {
    detail: { expected: wanted, actual: document.digest },
  });
}

/** end-7a and end-7b, PUT `/v2/<name>/manifests/<reference>[?tag=…]` */
export async function putManifest(
  request: RegistryRequest,
  context: RequestContext,
  { name, reference }: ManifestTarget,
): Promise<RegistryResponse> {
  const tags = tagsOf(request, reference);
  if (tags.length > TAG_LIMIT) {
    return errorResponse(new HawserError('TAG_INVALID', `more than ${TAG_LIMIT} tags at once`), {}, 414);
  }
  const bytes = await readCapped(request);
  if (bytes === undefined) {
    const error = new HawserError(
      'SIZE_INVALID',
      `the manifest is over the limit of ${manifestSizeLimit} bytes`,
    );
    return errorResponse(error, {}, 413);
  }
  const document = documentOf(request, reference, bytes);
  const found = await findReferences(context, name, document);
  const warning = checkPushable(context, name, { document, found });
  await context.volume.manifests.put(name, document);
  for (const tag of tags) await context.volume.tags.set(name, tag, document.digest);
  await emitPush(context, { name, reference, document, tags });
  const headers = createdHeaders(request, context, { name, reference, document, tags });
  return empty(201, warning === undefined ? headers : { ...headers, Warning: formatWarning(warning) });
}

interface PutManifest extends ManifestTarget {
  readonly document: ManifestDocument;
  readonly tags: readonly Tag[];
}

/** One event for the manifest, or one for each tag. */
async function emitPush(context: RequestContext, { name, document, tags }: PutManifest): Promise<void> {
  if (context.notify === undefined) return;
  const { mediaType, digest, bytes } = document;
  const target = manifestEvent(context, name, { mediaType, digest, bytes });
  const targets = tags.length === 0 ? [target] : tags.map(tag => ({ ...target, tag }));
  for (const each of targets) await emit(context, 'push', each);
}

function manifestEvent(
  context: RequestContext,
  name: RepositoryName,
  manifest: Pick<StoredManifest, 'mediaType' | 'digest' | 'bytes'>,
): EventTarget {
  const { mediaType, digest, bytes } = manifest;
  const reference = { kind: 'digest', digest } as const;
  const url = absoluteURL(context.request, context, formatRoute({ kind: 'manifest', name, reference }));
  const references = context.eventReferences ? { references: descriptorsIn(bytes) } : {};
  return { repository: name, mediaType, digest, size: bytes.length, url, ...references };
}

/** What a manifest names, as it names it. */
function descriptorsIn(bytes: Uint8Array): readonly object[] {
  const {
    config,
    layers = [],
    manifests = [],
  } = JSON.parse(Buffer.from(bytes).toString('utf8')) as {
    readonly config?: object;
    readonly layers?: readonly object[];
    readonly manifests?: readonly object[];
  };
  return [...(config === undefined ? [] : [config]), ...layers, ...manifests];
}

function createdHeaders(
  request: RegistryRequest,
  context: RequestContext,
  put: PutManifest,
): RegistryResponse['headers'] {
  const { digest, value } = put.document;
  const byDigest = { kind: 'digest', digest } as const;
  const path = formatRoute({ kind: 'manifest', name: put.name, reference: byDigest });
  return {
    Location: locationOf(request, context, path),
    'Docker-Content-Digest': digest,
    ...(value.subject === undefined || value.subject === null ? {} : { 'OCI-Subject': value.subject.digest }),
    ...(put.reference.kind === 'digest' && put.tags.length > 0 ? { 'OCI-Tag': put.tags } : {}),
  };
}

/** end-9, DELETE: a tag alone, or a manifest with all its tags. */
export async function deleteManifest(
  _request: RegistryRequest,
  context: RequestContext,
  target: ManifestTarget,
): Promise<RegistryResponse> {
  requireDeletes(context);
  const { name, reference } = target;
  const { tags, manifests } = context.volume;
  if (reference.kind === 'tag') {
    if (!(await tags.remove(name, reference.tag))) throw unknownManifest(target);
    await emit(context, 'delete', { repository: name, tag: reference.tag });
    return empty(202);
  }
  const digests: readonly Digest[] = await manifests.digestsOf(name, reference.digest);
  const [canonical] = digests;
  if (canonical === undefined) throw unknownManifest(target);
  // Tags first: a crash in between leaves a manifest without a tag, never a tag without a manifest.
  await tags.removeAllOf(name, digests);
  await manifests.remove(name, canonical);
  await emit(context, 'delete', { repository: name, digest: reference.digest });
  return empty(202);
}
