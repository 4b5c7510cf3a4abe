import type { CompletedPart } from '@aws-sdk/client-s3';
import { HawserError, isHawserError } from '../../../errors/hawser-error.ts';
import { mapPool } from '../../../util/pool.ts';
import { gather, readObject } from './read-object.ts';
import type { S3Bucket, S3Object } from './s3-bucket.ts';
import { isNotImplemented } from './s3-errors.ts';

/** What S3 takes as a part that is not the last one. */
export const smallestPart = 5 << 20;
const MAX_PARTS = 10_000;
/** Parts of what is copied through memory, and how many at once. */
const CARRIED_PART = 8 << 20;
const CARRIED_AT_ONCE = 2;

/** Bytes of an object, from `start` to before `end`. */
export interface Piece {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

type Part = readonly Piece[];

const sizeOf = (pieces: Part): number => pieces.reduce((sum, { start, end }) => sum + end - start, 0);

/**
 * Cuts objects that are to stand one behind the other into parts that S3 takes: as many as possible of one piece, which the
 * server can copy; where objects are too small for that, of several, which go through memory.
 *
 * @param largest Bytes of a part; at least twice the smallest one
 */
export function planParts(sources: readonly S3Object[], largest: number): readonly Part[] {
  const parts: Part[] = [];
  let pending: Piece[] = [];
  for (const { key, size } of sources) {
    // What came before and is too small gets as much as it lacks.
    const lent = pending.length === 0 ? 0 : Math.min(size, smallestPart - sizeOf(pending));
    if (lent > 0) pending.push({ key, start: 0, end: lent });
    if (sizeOf(pending) >= smallestPart) {
      parts.push(pending);
      pending = [];
    }
    for (let start = lent; start < size; ) {
      const end = Math.min(size, start + largest);
      if (end - start < smallestPart) pending.push({ key, start, end });
      else parts.push([{ key, start, end }]);
      start = end;
    }
  }
  return pending.length > 0 ? [...parts, pending] : parts;
}

export interface JoinOptions {
  /** From how many bytes on a single object is copied in parts. */
  readonly threshold: number;
  readonly partSize: number;
  readonly concurrency: number;
  /** What the new object says of its age; its own where left out. */
  readonly modified?: number;
}

async function bytesOf(bucket: S3Bucket, part: Part): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (const { key, start, end } of part) {
    const source = await readObject(bucket, key, { start, end });
    if (source === undefined) throw new HawserError('NOT_FOUND', `${key} is not in the volume`);
    pieces.push(await gather(source));
  }
  const bytes = Buffer.concat(pieces);
  if (bytes.length === sizeOf(part)) return bytes;
  throw new HawserError('UNAVAILABLE', `the bucket sent ${bytes.length} bytes instead of ${sizeOf(part)}`);
}

async function joinParts(
  bucket: S3Bucket,
  to: string,
  plan: {
    readonly parts: readonly Part[];
    readonly mayCopy: boolean;
    readonly concurrency: number;
    readonly modified: number | undefined;
  },
): Promise<void> {
  const UploadId = await bucket.beginParts(to, plan.modified);
  try {
    const made = await mapPool(
      plan.parts.map((part, index) => ({ part, name: { UploadId, PartNumber: index + 1 } })),
      async ({ part, name }): Promise<CompletedPart> => {
        const [piece] = part;
        if (plan.mayCopy && part.length === 1 && piece !== undefined)
          return await bucket.copyPart(to, name, piece);
        return await bucket.putPart(to, name, await bytesOf(bucket, part));
      },
      { limit: plan.concurrency },
    );
    await bucket.endParts(to, UploadId, made);
  } catch (error) {
    await bucket.dropParts(to, UploadId).catch(() => undefined); // the first error is the one to tell of
    throw error;
  }
}

/** Makes one object of several that stand behind each other, on the server as far as it can; replaces what was there. */
export async function joinObjects(
  bucket: S3Bucket,
  sources: readonly S3Object[],
  options: JoinOptions & { readonly to: string },
): Promise<void> {
  const { to, modified } = options;
  const total = sources.reduce((sum, { size }) => sum + size, 0);
  const [first] = sources;
  if (total === 0) return await bucket.put(to, new Uint8Array());
  if (sources.length === 1 && first !== undefined && total <= options.threshold) {
    return await bucket.copy(first.key, to, modified);
  }
  const partSize = Math.max(options.partSize, 2 * smallestPart, Math.ceil((total * 2) / MAX_PARTS));
  const parts = planParts(sources, partSize);
  const [only] = parts;
  if (parts.length === 1 && only !== undefined && modified === undefined && total < 2 * smallestPart) {
    return await bucket.put(to, await bytesOf(bucket, only));
  }
  try {
    const concurrency = parts.some(({ length }) => length > 1) ? CARRIED_AT_ONCE : options.concurrency;
    await joinParts(bucket, to, { parts, mayCopy: true, concurrency, modified });
  } catch (error) {
    if (!isNotImplemented(isHawserError(error) ? error.cause : error)) throw error;
    // Not every server copies parts.
    const carried = planParts(sources, Math.max(CARRIED_PART, Math.ceil((total * 2) / MAX_PARTS)));
    await joinParts(bucket, to, { parts: carried, mayCopy: false, concurrency: CARRIED_AT_ONCE, modified });
  }
}
