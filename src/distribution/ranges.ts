import { HawserError } from '../errors/hawser-error.ts';

/** Bytes from `start` up to, and not with, `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

function rangeError(what: string, text: string): HawserError {
  return new HawserError('RANGE_INVALID', `invalid ${what} ${JSON.stringify(text.slice(0, 100))}`);
}

/**
 * `Content-Range` of an upload chunk: `<start>-<end>`, inclusive, without `bytes`: distribution-spec 1.1 "Pushing a blob in
 * chunks". `bytes 0-9/100`, which some clients send, is read too.
 *
 * @throws HawserError RANGE_INVALID
 */
export function parseUploadRange(text: string): ByteRange {
  const match = /^(?:bytes[ =])?(\d{1,15})-(\d{1,15})(?:\/(?:\d+|\*))?$/.exec(text.trim());
  const start = Number(match?.[1]);
  const end = Number(match?.[2]) + 1;
  if (match === null || end <= start) throw rangeError('Content-Range', text);
  return { start, end };
}

/** `Range` of an answer to an upload: `0-<last>`; `0-0` for nothing yet, as registry:2 says it. */
export function formatUploadedRange(size: number): string {
  return `0-${Math.max(0, size - 1)}`;
}

/** How many bytes a `Range: 0-<last>` of an upload says are there; undefined where it cannot be read. */
export function parseUploadedRange(text: string | undefined): number | undefined {
  const match = /^(?:bytes=)?0-(\d{1,15})$/.exec(text ?? '');
  if (match === null) return undefined;
  const last = Number(match[1]);
  return last === 0 ? 0 : last + 1;
}

/**
 * `Range: bytes=…` of a request for content of `size` bytes: RFC 9110 section 14.2. Several ranges, other units and nonsense
 * are ignored, as the RFC allows.
 *
 * @returns undefined where the whole is to be sent
 * @throws HawserError RANGE_INVALID where no byte of the range is there
 */
export function parseByteRange(text: string | undefined, size: number): ByteRange | undefined {
  const match = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/.exec(text ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '') {
    const length = Math.min(Number(last), size);
    if (length === 0) throw rangeError(`range of ${size} bytes`, text ?? '');
    return { start: size - length, end: size };
  }
  const start = Number(first);
  const end = last === '' ? size : Math.min(Number(last) + 1, size);
  if (start >= size || end <= start) throw rangeError(`range of ${size} bytes`, text ?? '');
  return { start, end };
}

/** `Content-Range` of a 206: `bytes 0-9/100`. */
export function formatContentRange({ start, end }: ByteRange, size: number): string {
  return `bytes ${start}-${end - 1}/${size}`;
}

/** Reads the `Content-Range` of a 206; undefined where it cannot be read. */
export function parseContentRange(
  text: string | undefined,
): (ByteRange & { readonly size?: number }) | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(text ?? '');
  if (match === null) return undefined;
  const range = { start: Number(match[1]), end: Number(match[2]) + 1 };
  if (range.end <= range.start) return undefined;
  if (match[3] === '*') return range;
  const size = Number(match[3]);
  return range.end > size ? undefined : { ...range, size };
}
