import { parseRepositoryName, type RepositoryName } from '../../distribution/names.ts';
import { type ByteRange, formatUploadedRange, parseUploadRange } from '../../distribution/ranges.ts';
import { formatRoute } from '../../distribution/routes.ts';
import { HawserError, isHawserError } from '../../errors/hawser-error.ts';
import { type Digest, type DigestAlgorithm, digestAlgorithm, parseDigest } from '../../image/digest.ts';
import { emit, type RequestContext } from '../registry-context.ts';
import type { RegistryRequest, RegistryResponse } from '../registry-message.ts';
import type { Chunk, UploadKey } from '../storage/uploads.ts';
import { errorResponse } from './error-response.ts';
import { absoluteURL, empty, locationOf, queryOf } from './reply.ts';

/** The answer to a push, and to a mount, which is told of as one. */
async function blobCreated(
  request: RegistryRequest,
  context: RequestContext,
  blob: { readonly name: RepositoryName; readonly digest: Digest; readonly from?: RepositoryName },
): Promise<RegistryResponse> {
  const { name, digest, from } = blob;
  if (context.notify !== undefined) {
    const size = (await context.volume.blobs.stat(name, digest))?.size ?? 0;
    const url = absoluteURL(request, context, formatRoute({ kind: 'blob', name, digest }));
    const target = { repository: name, digest, mediaType: 'application/octet-stream', size, url };
    if (from === undefined) await emit(context, 'push', target);
    else await emit(context, 'mount', { ...target, fromRepository: from });
  }
  return empty(201, {
    Location: locationOf(request, context, formatRoute({ kind: 'blob', name, digest })),
    'Docker-Content-Digest': digest,
  });
}

/** What every answer about a live upload says: where it goes on, and what has arrived. */
function uploadHeaders(
  request: RegistryRequest,
  context: RequestContext,
  { key, size }: { readonly key: UploadKey; readonly size: number },
): Record<string, string> {
  return {
    Location: locationOf(request, context, formatRoute({ kind: 'upload', name: key.name, uuid: key.id })),
    Range: formatUploadedRange(size),
    'Docker-Upload-UUID': key.id,
  };
}

function hasBody(request: RegistryRequest): boolean {
  if (request.header('transfer-encoding') !== undefined) return true;
  return Number(request.header('content-length') ?? '0') > 0;
}

function announcedRange(request: RegistryRequest): ByteRange | undefined {
  const text = request.header('content-range');
  return text === undefined ? undefined : parseUploadRange(text);
}

function parseAlgorithm(text: string): DigestAlgorithm {
  if (text === 'sha256' || text === 'sha512') return text;
  throw new HawserError('DIGEST_INVALID', `unknown digest algorithm ${JSON.stringify(text.slice(0, 40))}`, {
    remedy: 'Use sha256 or sha512.',
  });
}

/** Passes a chunk on and holds it to the length of its Content-Range. @throws HawserError SIZE_INVALID */
async function* ofLength(source: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const piece of source) {
    size += piece.length;
    if (size > length)
      throw new HawserError('SIZE_INVALID', `the chunk is longer than its Content-Range, ${length}`);
    yield piece;
  }
  if (size < length) {
    throw new HawserError('SIZE_INVALID', `the chunk has ${size} bytes, its Content-Range ${length}`);
  }
}

/** What a request brings of an upload. */
function chunkOf(request: RegistryRequest): Chunk {
  const range = announcedRange(request);
  if (range === undefined) return { source: request.body };
  return { source: ofLength(request.body, range.end - range.start), offset: range.start };
}

/** The answer to a chunk that does not go on where the upload ends: 416, and where it does. */
async function outOfOrder(
  error: unknown,
  request: RegistryRequest,
  { context, key }: { readonly context: RequestContext; readonly key: UploadKey },
): Promise<RegistryResponse> {
  if (!isHawserError(error, 'RANGE_INVALID')) throw error;
  const size = await context.volume.uploads.size(key);
  return errorResponse(error, uploadHeaders(request, context, { key, size }));
}

/** Whether the client may have what `from` links; without a name, it must be allowed everything (CVE-2024-39897). */
function mayMount({ grant }: RequestContext, from: RepositoryName | undefined): boolean {
  if (from === undefined) return grant.isUnlimited;
  return grant.allows({ type: 'repository', name: from, actions: ['pull'] });
}

/**
 * POST `/v2/<name>/blobs/uploads/`: end-4a begins an upload, end-4b (`?digest=`) takes a whole blob, end-4c
 * (`?digest-algorithm=`) announces the algorithm, end-11 (`?mount=[&from=]`) links a blob that the registry has, and
 * begins an upload where it has not.
 */
export async function startUpload(
  request: RegistryRequest,
  context: RequestContext,
  { name }: { readonly name: RepositoryName },
): Promise<RegistryResponse> {
  const query = queryOf(request);
  const { blobs, uploads } = context.volume;
  const mount = query.get('mount');
  if (mount !== null && mount !== '') {
    const digest = parseDigest(mount);
    const from = query.get('from');
    const source = from === null || from === '' ? { digest } : { digest, from: parseRepositoryName(from) };
    if (mayMount(context, source.from) && (await blobs.mount(name, source))) {
      return await blobCreated(request, context, { name, ...source });
    }
  }
  const whole = query.get('digest');
  if (whole !== null && mount === null) {
    const digest = parseDigest(whole);
    const key = await uploads.start(name, digestAlgorithm(digest));
    try {
      await uploads.commit(key, digest, hasBody(request) ? { source: request.body } : undefined);
    } catch (error) {
      // Nobody was told of this session, so nobody could go on with it.
      if (!isHawserError(error, 'DIGEST_INVALID')) await uploads.cancel(key);
      throw error;
    }
    return await blobCreated(request, context, { name, digest });
  }
  const announced = query.get('digest-algorithm');
  const key = await uploads.start(name, announced === null ? undefined : parseAlgorithm(announced));
  return empty(202, uploadHeaders(request, context, { key, size: 0 }));
}

/** end-5, PATCH: a chunk with a Content-Range, or a stream without. */
export async function appendToUpload(
  request: RegistryRequest,
  context: RequestContext,
  key: UploadKey,
): Promise<RegistryResponse> {
  try {
    const size = await context.volume.uploads.append(key, chunkOf(request));
    return empty(202, uploadHeaders(request, context, { key, size }));
  } catch (error) {
    return await outOfOrder(error, request, { context, key });
  }
}

/** end-6, PUT `?digest=`: ends an upload, with the last chunk or the whole blob as its body where it has one. */
export async function endUpload(
  request: RegistryRequest,
  context: RequestContext,
  key: UploadKey,
): Promise<RegistryResponse> {
  const digest = parseDigest(queryOf(request).get('digest') ?? '');
  try {
    await context.volume.uploads.commit(key, digest, hasBody(request) ? chunkOf(request) : undefined);
  } catch (error) {
    return await outOfOrder(error, request, { context, key });
  }
  return await blobCreated(request, context, { name: key.name, digest });
}

/** end-13, GET: how far an upload is. */
export async function getUpload(
  request: RegistryRequest,
  context: RequestContext,
  key: UploadKey,
): Promise<RegistryResponse> {
  const size = await context.volume.uploads.size(key);
  return empty(204, uploadHeaders(request, context, { key, size }));
}

/** end-14, DELETE: ends an upload without a blob. */
export async function cancelUpload(
  _request: RegistryRequest,
  context: RequestContext,
  key: UploadKey,
): Promise<RegistryResponse> {
  await context.volume.uploads.cancel(key);
  return empty(204, { 'Docker-Upload-UUID': key.id });
}
