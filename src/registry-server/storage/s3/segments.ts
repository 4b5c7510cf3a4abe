import { HawserError } from '../../../errors/hawser-error.ts';
import { mapPool } from '../../../util/pool.ts';
import { gather, readObject } from './read-object.ts';
import type { S3Bucket, S3Object } from './s3-bucket.ts';

/*
 * Objects cannot grow: a file that is appended to is a folder of segments, each named after the byte that it begins at. A
 * segment is there as a whole or not at all, so that a crash loses at most what was in memory.
 */

const segmentPattern = /^part-(\d{15})$/;

export interface Segment extends S3Object {
  readonly offset: number;
}

/** Bytes of all uploads that wait in memory to be sent, and as many that are being sent. */
const ALL_WRITERS = 64 << 20;
const SMALLEST_SEGMENT = 64 << 10;
const REMOVED_AT_ONCE = 16;

const segmentKey = (path: string, offset: number): string =>
  `${path}/part-${String(offset).padStart(15, '0')}`;

function segmentOf(path: string, object: S3Object): Segment | undefined {
  const digits = segmentPattern.exec(object.key.slice(path.length + 1))?.[1];
  return digits === undefined ? undefined : { ...object, offset: Number(digits) };
}

export function areSegments(path: string, objects: readonly S3Object[]): boolean {
  return objects.length > 0 && objects.every(object => segmentOf(path, object) !== undefined);
}

/** All segments of a file; none where there is no such file. */
async function allSegments(bucket: S3Bucket, path: string): Promise<readonly Segment[]> {
  const found: Segment[] = [];
  for await (const { objects } of bucket.pages(`${path}/`, { folders: true })) {
    for (const object of objects) {
      const segment = segmentOf(path, object);
      if (segment !== undefined) found.push(segment);
    }
  }
  return found;
}

/** Those that follow on each other: what stands behind a gap was written by somebody who lost the race for the file. */
function contiguous(segments: readonly Segment[]): readonly Segment[] {
  let end = 0;
  return segments.filter(({ offset, size }) => {
    if (offset !== end) return false;
    end += size;
    return true;
  });
}

export async function segmentsOf(bucket: S3Bucket, path: string): Promise<readonly Segment[]> {
  return contiguous(await allSegments(bucket, path));
}

export const sizeOfSegments = (segments: readonly Segment[]): number =>
  segments.reduce((sum, { size }) => sum + size, 0);

/** Takes away all from byte `size` on; a crash in between leaves a file that is longer than that. */
async function cut(bucket: S3Bucket, segments: readonly Segment[], size: number) {
  await mapPool(
    segments.filter(({ offset }) => offset >= size),
    async ({ key }) => await bucket.remove(key),
    { limit: REMOVED_AT_ONCE },
  );
  const last = contiguous(segments).find(each => each.offset < size && each.offset + each.size > size);
  if (last === undefined) return;
  const kept = await readObject(bucket, last.key, { end: size - last.offset });
  if (kept !== undefined) await bucket.put(last.key, await gather(kept));
}

const writers = new Set<SegmentWriter>();

/** Sends segments while the next one is gathered. */
class SegmentWriter {
  readonly #bucket: S3Bucket;
  readonly #path: string;
  readonly #largest: number;
  #end: number;
  #pieces: Uint8Array[] = [];
  #size = 0;
  #sending: Promise<void> = Promise.resolve();

  constructor(
    bucket: S3Bucket,
    at: { readonly path: string; readonly end: number; readonly largest: number },
  ) {
    this.#bucket = bucket;
    this.#path = at.path;
    this.#end = at.end;
    this.#largest = at.largest;
    writers.add(this);
  }

  /** Takes a piece; waits while the segment before is on its way. */
  async add(piece: Uint8Array): Promise<void> {
    this.#pieces.push(piece);
    this.#size += piece.length;
    if (this.#size < Math.max(SMALLEST_SEGMENT, Math.min(this.#largest, ALL_WRITERS / writers.size))) return;
    await this.#sending;
    this.#send();
  }

  /** Sends what is left. @returns the end of the file */
  async close(isEmpty: boolean): Promise<number> {
    writers.delete(this);
    await this.#sending;
    if (this.#size > 0 || (isEmpty && this.#end === 0)) this.#send();
    await this.#sending;
    return this.#end;
  }

  #send(): void {
    const content = Buffer.concat(this.#pieces);
    const key = segmentKey(this.#path, this.#end);
    this.#end += this.#size;
    this.#pieces = [];
    this.#size = 0;
    this.#sending = this.#bucket.put(key, content);
    this.#sending.catch(() => undefined); // met by who waits for the next one, or at the end
  }
}

/**
 * Writes what `source` yields behind the first `offset` bytes; what it yielded before it failed stays.
 *
 * @param largest Bytes of a segment: about twice as much is in memory, less where there are many writers
 * @returns the size of the file
 */
export async function appendSegments(
  bucket: S3Bucket,
  source: AsyncIterable<Uint8Array>,
  at: { readonly path: string; readonly offset: number; readonly largest: number },
): Promise<number> {
  const { path, offset, largest } = at;
  const found = await allSegments(bucket, path);
  const size = sizeOfSegments(contiguous(found));
  if (size < offset) throw new HawserError('STORE_CORRUPT', `${path} has ${size} bytes instead of ${offset}`);
  if (size > offset || found.length > contiguous(found).length) await cut(bucket, found, offset);
  const writer = new SegmentWriter(bucket, { path, end: offset, largest });
  let end = offset;
  try {
    for await (const chunk of source) await writer.add(chunk);
  } finally {
    end = await writer.close(found.length === 0);
  }
  return end;
}
