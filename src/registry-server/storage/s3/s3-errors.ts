import { HawserError, isHawserError, messageOf } from '../../../errors/hawser-error.ts';

/** What an error of the AWS SDK tells, as far as it is one. */
function factsOf(error: unknown): { readonly name: string; readonly status: number | undefined } {
  if (!(error instanceof Error)) return { name: '', status: undefined };
  const { $metadata } = error as { readonly $metadata?: { readonly httpStatusCode?: number } };
  return { name: error.name, status: $metadata?.httpStatusCode };
}

export function isMissingObject(error: unknown): boolean {
  const { name, status } = factsOf(error);
  return name === 'NoSuchKey' || name === 'NotFound' || (status === 404 && name !== 'NoSuchBucket');
}

export function isMissingBucket(error: unknown): boolean {
  return factsOf(error).name === 'NoSuchBucket';
}

/** A range of an object that ends before it. */
export function isRangeOutside(error: unknown): boolean {
  const { name, status } = factsOf(error);
  return name === 'InvalidRange' || status === 416;
}

export function isNotImplemented(error: unknown): boolean {
  const { name, status } = factsOf(error);
  return name === 'NotImplemented' || status === 501;
}

const fullNames = new Set(['QuotaExceeded', 'XMinioStorageFull', 'XMinioAdminBucketQuotaExceeded']);

/** An error of the bucket as one that a client can be told of. */
export function s3Error(error: unknown, action: string): unknown {
  if (isHawserError(error) || !(error instanceof Error) || error.name === 'AbortError') return error;
  const { name, status } = factsOf(error);
  const message = `${action}: ${name}: ${messageOf(error)}`;
  if (fullNames.has(name) || status === 507) return new HawserError('NO_SPACE', message, { cause: error });
  if (status === 401 || status === 403)
    return new HawserError('PERMISSION_DENIED', message, {
      cause: error,
      remedy: 'Check the access key and the rights on the bucket.',
    });
  return new HawserError('UNAVAILABLE', message, { cause: error });
}
