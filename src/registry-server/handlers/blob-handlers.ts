import type { RepositoryName } from '../../distribution/names.ts';
import { type ByteRange, formatContentRange, parseByteRange } from '../../distribution/ranges.ts';
import { formatRoute } from '../../distribution/routes.ts';
import { HawserError, isHawserError } from '../../errors/hawser-error.ts';
import type { Digest } from '../../image/digest.ts';
import { emit, type RequestContext } from '../registry-context.ts';
import type { RegistryRequest, RegistryResponse } from '../registry-message.ts';
import type { StoredBlob } from '../storage/blobs.ts';
import { errorResponse } from './error-response.ts';
import { absoluteURL, empty, isNotModified, requireDeletes } from './reply.ts';

export interface BlobTarget {
  readonly name: RepositoryName;
  readonly digest: Digest;
}

function unknownBlob({ name, digest }: BlobTarget): HawserError {
  return new HawserError('BLOB_UNKNOWN', `blob ${digest} is not in ${name}`, { detail: { digest } });
}

interface FoundBlob {
  readonly digest: Digest;
  readonly size: number;
  read(range: ByteRange & { readonly signal: AbortSignal }): Promise<AsyncIterable<Uint8Array>>;
  /** Where clients can read it themselves. */
  url(): Promise<string | undefined>;
}

function storedBlob(context: RequestContext, blob: StoredBlob): FoundBlob {
  const { blobs } = context.volume;
  return { ...blob, read: range => blobs.read(blob, range), url: () => blobs.urlOf(blob) };
}

/** A blob of the volume, or of the registry that this one is a cache of. */
async function findBlob(
  context: RequestContext,
  { name, digest }: BlobTarget,
): Promise<FoundBlob | undefined> {
  const { proxy, volume } = context;
  const stored = await volume.blobs.stat(name, digest);
  if (proxy === undefined) return stored && storedBlob(context, stored);
  const { blob: counts } = proxy.counts;
  counts.requests++;
  if (stored !== undefined) {
    counts.hits++;
    counts.pushed += stored.size;
    return storedBlob(context, stored);
  }
  counts.misses++;
  const size = await proxy.sizeOf(name, digest);
  if (size === undefined) return undefined;
  const read: FoundBlob['read'] = async range => {
    counts.pushed += range.end - range.start;
    const fetched = await proxy.fetch(name, { digest, size });
    if (fetched !== undefined) return fetched.read(range);
    const now = await volume.blobs.stat(name, digest);
    if (now === undefined) throw unknownBlob({ name, digest });
    return await volume.blobs.read(now, range);
  };
  return { digest, size, read, url: async () => undefined };
}

/** end-2, GET and HEAD `/v2/<name>/blobs/<digest>`; ranges as in RFC 9110 section 14, one range only. */
export async function getBlob(
  request: RegistryRequest,
  context: RequestContext,
  target: BlobTarget,
): Promise<RegistryResponse> {
  const blob = await findBlob(context, target);
  if (blob === undefined) throw unknownBlob(target);
  const etag = `"${blob.digest}"`;
  const headers = {
    'Content-Type': 'application/octet-stream',
    'Docker-Content-Digest': blob.digest,
    'Accept-Ranges': 'bytes',
    'Cache-Control': 'max-age=31536000',
    Etag: etag,
  };
  if (isNotModified(request, etag)) return empty(304, headers);
  const whole = { status: 200, headers: { ...headers, 'Content-Length': String(blob.size) } };
  if (request.method === 'HEAD') return whole;
  const condition = request.header('if-range');
  const wanted = condition === undefined || condition === etag ? request.header('range') : undefined;
  const { signal } = request;
  let range: ByteRange | undefined;
  try {
    range = parseByteRange(wanted, blob.size);
  } catch (error) {
    if (!isHawserError(error, 'RANGE_INVALID')) throw error;
    return errorResponse(error, { 'Content-Range': `bytes */${blob.size}` });
  }
  const url = absoluteURL(request, context, formatRoute({ kind: 'blob', ...target }));
  const mediaType = 'application/octet-stream';
  await emit(context, 'pull', {
    repository: target.name,
    digest: target.digest,
    mediaType,
    size: blob.size,
    url,
  });
  // A range is asked for there again: clients keep their headers.
  const elsewhere = context.redirects ? await blob.url() : undefined;
  if (elsewhere !== undefined) {
    return empty(307, { Location: elsewhere, 'Docker-Content-Digest': blob.digest });
  }
  if (range === undefined) return { ...whole, body: await blob.read({ start: 0, end: blob.size, signal }) };
  return {
    status: 206,
    headers: {
      ...headers,
      'Content-Length': String(range.end - range.start),
      'Content-Range': formatContentRange(range, blob.size),
    },
    body: await blob.read({ ...range, signal }),
  };
}

/** end-10, DELETE `/v2/<name>/blobs/<digest>` */
export async function deleteBlob(
  _request: RegistryRequest,
  context: RequestContext,
  target: BlobTarget,
): Promise<RegistryResponse> {
  requireDeletes(context);
  const canonical = await context.volume.blobs.remove(target.name, target.digest);
  if (canonical === undefined) throw unknownBlob(target);
  context.garbage?.noteUnlinked(canonical);
  await emit(context, 'delete', { repository: target.name, digest: target.digest });
  return empty(202);
}
