import type { RepositoryName } from '../../distribution/names.ts';
import { type ByteRange, formatContentRange, parseByteRange } from '../../distribution/ranges.ts';
import { formatRoute } from '../../distribution/routes.ts';
import { HawserError, isHawserError } from '../../errors/hawser-error.ts';
import type { Digest } from '../../image/digest.ts';
import { emit, type RequestContext } from '../registry-context.ts';
import type { RegistryRequest, RegistryResponse } from '../registry-message.ts';
import { errorResponse } from './error-response.ts';
import { absoluteURL, empty, isNotModified, requireDeletes } from './reply.ts';

export interface BlobTarget {
  readonly name: RepositoryName;
  readonly digest: Digest;
}

function unknownBlob({ name, digest }: BlobTarget): HawserError {
  return new HawserError('BLOB_UNKNOWN', `blob ${digest} is not in ${name}`, { detail: { digest } });
}

/** end-2, GET and HEAD `/v2/<name>/blobs/<digest>`; ranges as in RFC 9110 section 14, one range only. */
export async function getBlob(
  request: RegistryRequest,
  context: RequestContext,
  target: BlobTarget,
): Promise<RegistryResponse> {
  const blob = await context.volume.blobs.stat(target.name, target.digest);
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
  const elsewhere = context.redirects ? await context.volume.blobs.urlOf(blob) : undefined;
  if (elsewhere !== undefined) {
    return empty(307, { Location: elsewhere, 'Docker-Content-Digest': blob.digest });
  }
  if (range === undefined) return { ...whole, body: await context.volume.blobs.read(blob, { signal }) };
  return {
    status: 206,
    headers: {
      ...headers,
      'Content-Length': String(range.end - range.start),
      'Content-Range': formatContentRange(range, blob.size),
    },
    body: await context.volume.blobs.read(blob, { ...range, signal }),
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
