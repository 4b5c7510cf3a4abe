import type { Tag } from '../../distribution/names.ts';
import { parseTag } from '../../distribution/names.ts';
import { formatRoute, type ManifestReference } from '../../distribution/routes.ts';
import { HawserError } from '../../errors/hawser-error.ts';
import { type Digest, digestAlgorithm } from '../../image/digest.ts';
import { type ManifestDocument, manifestSizeLimit, parseManifest } from '../../image/manifest.ts';
import { emit, type RequestContext } from '../registry-context.ts';
import type { RegistryRequest, RegistryResponse } from '../registry-message.ts';
import { checkPushable, findReferences } from './check-manifest.ts';
import { errorResponse } from './error-response.ts';
import { manifestEvent } from './manifest-event.ts';
import type { ManifestTarget } from './manifest-handlers.ts';
import { relinkCollected } from './relink-collected.ts';
import { empty, formatWarning, locationOf, queryOf } from './reply.ts';

/** `?tag=` parameters of one PUT; the specification wants ten at least. */
const TAG_LIMIT = 100;

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
  const push = { name, reference, document, tags };
  const warning = await publish(context, push);
  await emitPush(context, push);
  const headers = createdHeaders(request, context, push);
  return empty(201, warning === undefined ? headers : { ...headers, Warning: formatWarning(warning) });
}

/**
 * Stores and tags a manifest while a collector may be at work. What it names is looked for before and behind every step
 * that a collector sees when it looks once more; what was collected since the client found it is linked again, or asked
 * for.
 *
 * @returns a warning for the client
 * @throws HawserError MANIFEST_BLOB_UNKNOWN, MANIFEST_INVALID, DENIED
 */
async function publish(context: RequestContext, push: PutManifest): Promise<string | undefined> {
  const { name, document, tags } = push;
  const { manifests, tags: stored } = context.volume;
  const isKnown = await manifests.has(name, document.digest);
  const before: (readonly [Tag, Digest | undefined])[] = [];
  try {
    let state = await store(context, push);
    for (const tag of tags) {
      before.push([tag, await stored.get(name, tag)]);
      await stored.set(name, tag, document.digest);
    }
    // Without a tag until now, it may have been collected itself.
    if (!(await isWhole(context, push, state.present))) state = await store(context, push);
    await noteUntagged(context, push, before);
    return state.warning;
  } catch (error) {
    for (const [tag, digest] of before) {
      await (digest === undefined ? stored.remove(name, tag) : stored.set(name, tag, digest));
    }
    if (!isKnown) {
      const [canonical] = await manifests.digestsOf(name, document.digest);
      if (canonical !== undefined) await manifests.remove(name, canonical);
    }
    throw error;
  }
}

interface StoredState {
  /** What the manifest names and the repository has. */
  readonly present: readonly Digest[];
  readonly warning: string | undefined;
}

async function store(context: RequestContext, push: PutManifest): Promise<StoredState> {
  const { name, document } = push;
  // Ends, since what was deleted in between is missing the next time.
  for (;;) {
    const found = await relinkCollected(context, name, await findReferences(context, name, document));
    const warning = checkPushable(context, name, { document, found });
    await context.volume.manifests.put(name, document);
    if (await isWhole(context, push, found.present)) return { present: found.present, warning };
  }
}

/** Whether the manifest and what it named a moment ago are still there. */
async function isWhole(
  context: RequestContext,
  { name, document }: PutManifest,
  present: readonly Digest[],
): Promise<boolean> {
  const { missing } = await findReferences(context, name, document);
  if (missing.some(digest => present.includes(digest))) return false;
  return await context.volume.manifests.has(name, document.digest);
}

async function noteUntagged(
  { garbage }: RequestContext,
  { name, document }: PutManifest,
  before: readonly (readonly [Tag, Digest | undefined])[],
): Promise<void> {
  if (garbage?.wantsUntagged !== true) return;
  for (const [, digest] of before) {
    if (digest !== undefined && digest !== document.digest) await garbage.noteUntagged(name, digest);
  }
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
