import { posix } from 'node:path';
import { HawserError } from '../../errors/hawser-error.ts';
import { isDigest } from '../../image/digest.ts';
import { manifestSizeLimit } from '../../image/manifest.ts';
import type { TarEntry } from '../../tar/entry.ts';
import { readTar } from '../../tar/reader.ts';
import { textOf } from '../../util/byte-string.ts';
import type { BlobInfo, ContentStore, Lease } from '../store.ts';
import { gunzipIfNeeded } from './gunzip.ts';

/** An archive's files after it was read: all of them blobs, the documents at its top in memory too. */
export interface ArchiveFiles {
  /** The content of a JSON document at the top of the archive. */
  document(path: string): Uint8Array | undefined;
  /** Symbolic and hard links inside the archive are followed. */
  blob(path: string): BlobInfo | undefined;
}

export interface ReadArchiveOptions {
  readonly lease: Lease;
  readonly signal?: AbortSignal | undefined;
}

/** Far above any real archive of images; CVE-2023-25153 was an unbounded read of such documents. */
const MAX_ENTRIES = 100_000;
const documents: ReadonlySet<string> = new Set(['manifest.json', 'index.json', 'oci-layout', 'repositories']);

/**
 * Reads an archive once, in whatever order its entries come: each file goes into the store.
 *
 * @throws HawserError TAR_INVALID, SIZE_INVALID for a document over 4 MiB, DIGEST_INVALID for a blob that is not what
 * its path says
 */
export async function readArchive(
  store: ContentStore,
  source: AsyncIterable<Uint8Array>,
  options: ReadArchiveOptions,
): Promise<ArchiveFiles> {
  const contents = new Map<string, Uint8Array>();
  const blobs = new Map<string, BlobInfo>();
  const links = new Map<string, string>();
  let count = 0;
  for await (const { entry, body } of readTar(gunzipIfNeeded(source), { signal: options.signal })) {
    if (++count > MAX_ENTRIES)
      throw new HawserError('TAR_INVALID', `the archive has over ${MAX_ENTRIES} entries`);
    const path = cleanPath(textOf(entry.name));
    if (entry.type === 'file' && documents.has(path))
      contents.set(path, await readDocument(path, entry, body));
    else if (entry.type === 'file') blobs.set(path, await ingestFile(store, { path, body, ...options }));
    else if (entry.type === 'link') links.set(path, cleanPath(textOf(entry.linkname)));
    else if (entry.type === 'symlink') {
      links.set(path, cleanPath(posix.join(posix.dirname(path), textOf(entry.linkname))));
    }
  }
  return {
    document: path => contents.get(path),
    blob(path) {
      let current = cleanPath(path);
      for (let depth = 0; depth < 10; depth++) {
        const target = links.get(current);
        if (target === undefined) return blobs.get(current);
        current = target;
      }
      return undefined;
    },
  };
}

/** A name in the archive; nothing is ever written under it, so that `..` does no harm. */
function cleanPath(name: string): string {
  return posix.normalize(`/${name}`).slice(1).replace(/\/$/, '');
}

async function readDocument(
  path: string,
  entry: TarEntry,
  body: AsyncIterable<Uint8Array>,
): Promise<Uint8Array> {
  if (entry.size > manifestSizeLimit) {
    throw new HawserError(
      'SIZE_INVALID',
      `${path} of the archive has ${entry.size} bytes, over ${manifestSizeLimit}`,
    );
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** Takes a file in under the lease; a path `blobs/<algorithm>/<hex>` must be the digest of its content. */
async function ingestFile(
  store: ContentStore,
  file: ReadArchiveOptions & { readonly path: string; readonly body: AsyncIterable<Uint8Array> },
): Promise<BlobInfo> {
  const match = /^blobs\/([a-z0-9]+)\/([0-9a-f]+)$/.exec(file.path);
  const digest = match === null ? '' : `${match[1]}:${match[2]}`;
  return store.ingest(file.body, {
    ...(isDigest(digest) ? { digest } : {}),
    lease: file.lease,
    signal: file.signal,
  });
}
