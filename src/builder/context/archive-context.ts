import { createReadStream } from 'node:fs';
import { HawserError } from '../../errors/hawser-error.ts';
import { decompress, detectCompression } from '../../layers/compression.ts';
import { blockSize } from '../../tar/header-block.ts';
import { extractEntries, isTarHeader } from '../execute/copy/extract-archive.ts';
import type { SourceTree } from '../execute/copy/source-tree.ts';

type Bytes = AsyncIterable<Uint8Array>;

/** What a stream turned out to be. */
export type SniffedContent =
  | { readonly kind: 'archive'; readonly content: Bytes }
  | { readonly kind: 'text'; readonly content: Bytes };

/**
 * Whether a stream holds an archive, compressed or not, by its first bytes as BuildKit has it: anything that is compressed
 * is taken for one.
 */
export async function sniff(source: Bytes): Promise<SniffedContent> {
  const iterator = source[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let size = 0;
  while (size < blockSize) {
    const { value, done } = await iterator.next();
    if (done === true) break;
    chunks.push(value);
    size += value.length;
  }
  const head = Buffer.concat(chunks);
  const content = (async function* () {
    yield head;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  })();
  const compression = detectCompression(head);
  if (compression !== 'uncompressed') return { kind: 'archive', content: decompress(content, compression) };
  const isArchive = head.length >= blockSize && isTarHeader(head.subarray(0, blockSize));
  return { kind: isArchive ? 'archive' : 'text', content };
}

/** The bytes of a file, for `sniff`. */
export function fileBytes(path: string): Bytes {
  return createReadStream(path, { highWaterMark: 1024 * 1024 });
}

export interface UnpackedContext {
  readonly tree: SourceTree;
  /** The latest time of an entry, in seconds since 1970; undefined where there is none. */
  readonly newest: number | undefined;
}

/**
 * Unpacks an archive that is to be built from. Its owners stay, where this process may give files away.
 *
 * @param folder Empty.
 * @throws HawserError TAR_INVALID, COMPRESSION_INVALID, LAYER_ENTRY_INVALID, NO_SPACE, ABORTED
 */
export async function unpackContext(
  content: Bytes,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<UnpackedContext> {
  let newest: number | undefined;
  const onEntry = ({ mtime: { seconds } }: { readonly mtime: { readonly seconds: number } }) => {
    newest = Math.max(newest ?? seconds, seconds);
  };
  await extractEntries(content, { root: folder, path: '/' }, { signal, onEntry });
  return { tree: { root: folder, owners: process.getuid?.() === 0 ? 'kept' : 'root' }, newest };
}

/** Far above any real Dockerfile. */
const textLimit = 16 * 1024 * 1024;

/** All of a text, which is to be a Dockerfile. @throws HawserError DOCKERFILE_INVALID over 16 MiB */
export async function collectText(content: Bytes): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content) {
    size += chunk.length;
    if (size > textLimit)
      throw new HawserError('DOCKERFILE_INVALID', `the Dockerfile is over ${textLimit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
