import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { TarEntry } from '../../../src/tar/entry.ts';
import { readTar } from '../../../src/tar/reader.ts';
import { textOf } from '../../../src/util/byte-string.ts';

export interface ArchiveEntry extends TarEntry {
  /** SHA-256 of the content of a file. */
  readonly content?: string;
}

/** An image's config as a builder wrote it. */
export interface ImageDocument {
  readonly os?: string;
  readonly architecture?: string;
  readonly variant?: string;
  readonly author?: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly history?: readonly { readonly created_by?: string; readonly empty_layer?: boolean }[];
}

export interface ArchivedImage {
  readonly config: ImageDocument;
  readonly layers: readonly (readonly ArchiveEntry[])[];
}

/** The images of a `docker save` archive by name. */
export async function readImageArchive(path: string): Promise<ReadonlyMap<string, ArchivedImage>> {
  const documents = new Map<string, Buffer>();
  const layers = new Map<string, readonly ArchiveEntry[]>();
  const links = new Map<string, string>();
  for await (const { entry, body } of readTar(createReadStream(path, { highWaterMark: 1 << 20 }))) {
    const name = textOf(entry.name);
    if (entry.type === 'symlink')
      links.set(name, name.replace(/[^/]+\/[^/]+$/, textOf(entry.linkname).replace('../', '')));
    if (entry.type !== 'file') continue;
    const chunks = body[Symbol.asyncIterator]();
    const first = await chunks.next();
    const content = (async function* () {
      if (first.done !== true) yield first.value;
      yield* { [Symbol.asyncIterator]: () => chunks };
    })();
    const beginning = first.done === true ? Buffer.alloc(0) : Buffer.from(first.value);
    if (isTar(beginning, entry.size)) layers.set(name, await readLayer(content));
    else documents.set(name, await bytesOf(content));
  }
  const manifest = JSON.parse(String(documents.get('manifest.json'))) as {
    readonly Config: string;
    readonly Layers: readonly string[];
    readonly RepoTags: readonly string[];
  }[];
  const images = new Map<string, ArchivedImage>();
  for (const { Config, Layers, RepoTags } of manifest) {
    const config = JSON.parse(String(documents.get(Config))) as ImageDocument;
    const found = Layers.map(layer => {
      const entries = layers.get(layer) ?? layers.get(links.get(layer) ?? '');
      if (entries === undefined) throw new Error(`no layer ${layer}`);
      return entries;
    });
    for (const tag of RepoTags) images.set(tag, { config, layers: found });
  }
  return images;
}

/** A layer is plain tar: it has the magic of a header, or is empty and ends at once. */
function isTar(beginning: Buffer, size: number): boolean {
  if (beginning.toString('latin1', 257, 262) === 'ustar') return true;
  return size >= 1024 && beginning.subarray(0, 512).every(byte => byte === 0);
}

async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

async function readLayer(body: AsyncIterable<Uint8Array>): Promise<readonly ArchiveEntry[]> {
  const entries: ArchiveEntry[] = [];
  for await (const { entry, body: content } of readTar(body)) {
    if (entry.type !== 'file') {
      entries.push(entry);
      continue;
    }
    const hash = createHash('sha256');
    for await (const chunk of content) hash.update(chunk);
    entries.push({ ...entry, content: hash.digest('hex') });
  }
  return entries;
}
