import { HawserError, isHawserError } from '../../../errors/hawser-error.ts';
import { mapPool } from '../../../util/pool.ts';
import type {
  NamesPage,
  OrderOptions,
  PageOptions,
  ReadOptions,
  StorageDriver,
  StorageLock,
  StoragePages,
  StorageURLs,
  StoredInfo,
} from '../driver.ts';
import { joinObjects } from './join-objects.ts';
import { type ListedFolder, pageOfNames } from './page-of-names.ts';
import { gather, readObject } from './read-object.ts';
import type { S3Bucket, S3Object } from './s3-bucket.ts';
import { isMissingObject } from './s3-errors.ts';
import { S3Locks } from './s3-locks.ts';
import type { S3Settings } from './s3-settings.ts';
import { appendSegments, areSegments, segmentsOf, sizeOfSegments } from './segments.ts';

const REMOVED_AT_ONCE = 16;

type DriverSettings = Pick<
  S3Settings,
  'chunkSize' | 'copyThreshold' | 'copyChunkSize' | 'copyConcurrency'
> & { readonly lease?: number };

/**
 * A volume in a bucket, under the keys that registry:2 gives its files; only what is being uploaded looks otherwise. A
 * move is a copy and a removal, so that for a moment both names are there, and never none. Folders are what lies in them,
 * gone with the last of it. A path is written to or appended to, never both.
 */
export class S3Driver implements StorageDriver, StorageURLs, StoragePages {
  readonly #bucket: S3Bucket;
  readonly #settings: DriverSettings;
  readonly #locks: S3Locks;

  constructor(bucket: S3Bucket, settings: DriverSettings) {
    this.#bucket = bucket;
    this.#settings = settings;
    this.#locks = new S3Locks(bucket, settings.lease);
  }

  async stat(path: string): Promise<StoredInfo | undefined> {
    if (path === '') {
      await this.#bucket.check();
      return { kind: 'folder', size: 0, modified: 0 };
    }
    const found = await this.#bucket.head(path);
    if (found !== undefined) return { kind: 'file', size: found.size, modified: found.modified };
    const { objects } = await this.#bucket.page(`${path}/`, { limit: 1 });
    if (objects.length === 0) return undefined;
    if (!areSegments(path, objects)) return { kind: 'folder', size: 0, modified: 0 };
    const segments = await segmentsOf(this.#bucket, path);
    const modified = Math.max(...segments.map(each => each.modified));
    return { kind: 'file', size: sizeOfSegments(segments), modified };
  }

  async read(path: string, options: ReadOptions = {}): Promise<AsyncGenerator<Uint8Array, void>> {
    const { start = 0, end = Number.POSITIVE_INFINITY } = options;
    if (start < end) {
      const chunks = await readObject(this.#bucket, path, options);
      if (chunks !== undefined) return chunks;
    }
    const segments = await segmentsOf(this.#bucket, path);
    if (segments.length > 0) return this.#readSegments(segments, options);
    if (start >= end && (await this.#bucket.head(path)) !== undefined) return this.#readSegments([], {});
    throw new HawserError('NOT_FOUND', `${path} is not in the volume`);
  }

  async *#readSegments(
    segments: Awaited<ReturnType<typeof segmentsOf>>,
    { start = 0, end = Number.POSITIVE_INFINITY, signal }: ReadOptions,
  ): AsyncGenerator<Uint8Array, void> {
    for (const { key, offset, size } of segments) {
      const from = Math.max(0, start - offset);
      const to = Math.min(size, end - offset);
      if (from >= to) continue;
      const chunks = await readObject(this.#bucket, key, { start: from, end: to, signal });
      if (chunks === undefined) throw new HawserError('NOT_FOUND', `${key} is not in the volume`);
      yield* chunks;
    }
  }

  async readSmall(path: string, maxSize: number): Promise<Buffer | undefined> {
    const source = await readObject(this.#bucket, path, { end: maxSize + 1 });
    const content = source === undefined ? undefined : await gather(source);
    return content === undefined || content.length > maxSize ? undefined : content;
  }

  async list(path: string): Promise<readonly string[]> {
    const names: string[] = [];
    const from = path === '' ? 0 : path.length + 1;
    for await (const { objects, folders } of this.#bucket.pages(path === '' ? '' : `${path}/`, {
      folders: true,
    })) {
      if (areSegments(path, objects)) return [];
      for (const { key } of objects) names.push(key.slice(from));
      for (const folder of folders) names.push(folder.slice(from, -1));
    }
    return names.filter(name => name !== '').sort();
  }

  async page(path: string, options: PageOptions): Promise<NamesPage> {
    const top = `${path}/`;
    const folder: ListedFolder = {
      list: async ({ after, limit }) => {
        const from = after === '' ? {} : { after: top + after };
        const { objects, folders, next } = await this.#bucket.page(top, { folders: true, limit, ...from });
        const keys = [...objects.map(({ key }) => key), ...folders].map(key => key.slice(top.length));
        return { keys, isTruncated: next !== undefined };
      },
      hasFolder: async name => (await this.#bucket.page(`${top}${name}/`, { limit: 1 })).objects.length > 0,
    };
    return await pageOfNames(folder, options);
  }

  async write(path: string, content: Uint8Array | string, { after }: OrderOptions = {}): Promise<void> {
    await after;
    await this.#bucket.put(path, Buffer.from(content));
  }

  async append(path: string, source: AsyncIterable<Uint8Array>, offset: number): Promise<number> {
    return await appendSegments(this.#bucket, source, { path, offset, largest: this.#settings.chunkSize });
  }

  async move(from: string, to: string, { after }: OrderOptions = {}): Promise<void> {
    const {
      copyThreshold: threshold,
      copyChunkSize: partSize,
      copyConcurrency: concurrency,
    } = this.#settings;
    const options = { to, threshold, partSize, concurrency };
    const segments = await segmentsOf(this.#bucket, from);
    const plain = segments.length > 0 ? undefined : await this.#bucket.head(from);
    if (segments.length === 0 && plain === undefined)
      throw new HawserError('NOT_FOUND', `${from} is not in the volume`);
    await after;
    if (plain === undefined) await joinObjects(this.#bucket, segments, options);
    else await this.#copy(plain, options);
    await this.#removeAll([from, ...segments.map(({ key }) => key)]);
  }

  async #copy(source: S3Object, options: Omit<Parameters<typeof joinObjects>[2], 'modified'>): Promise<void> {
    const { key, modified } = source;
    try {
      await joinObjects(this.#bucket, [source], { ...options, modified });
    } catch (error) {
      if (!isMissingObject(isHawserError(error) ? error.cause : error)) throw error;
      throw new HawserError('NOT_FOUND', `${key} is not in the volume any more`, { cause: error });
    }
    // Removed while it was copied: then there must be no copy either.
    if ((await this.#bucket.head(key)) !== undefined) return;
    await this.#bucket.remove(options.to);
    throw new HawserError('NOT_FOUND', `${key} is not in the volume any more`);
  }

  async remove(path: string): Promise<void> {
    const keys = [path];
    for await (const { objects } of this.#bucket.pages(`${path}/`))
      keys.push(...objects.map(({ key }) => key));
    await this.#removeAll(keys);
  }

  async #removeAll(keys: readonly string[]): Promise<void> {
    await mapPool(keys, async key => await this.#bucket.remove(key), { limit: REMOVED_AT_ONCE });
  }

  /** Folders that are empty are not there. */
  async prune(): Promise<void> {}

  async tryLock(path: string): Promise<StorageLock | undefined> {
    if ((await this.#bucket.head(path)) === undefined)
      throw new HawserError('NOT_FOUND', `${path} is not in the volume`);
    return await this.#locks.tryLock(path);
  }

  /** Where a client can read a file itself. */
  async urlOf(path: string): Promise<string> {
    return await this.#bucket.urlOf(path);
  }

  close(): void {
    this.#bucket.close();
  }
}
