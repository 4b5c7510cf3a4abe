import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { HawserError, messageOf, systemErrorCode } from '../../errors/hawser-error.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import type { TarItem } from '../../tar/writer.ts';
import { temporaryPathFor, writeFileAtomic } from '../../util/atomic-file.ts';
import { textOf } from '../../util/byte-string.ts';
import type { BlobReader } from '../store.ts';
import { type ArchiveImage, archiveItems, type SaveOptions } from './save.ts';

/**
 * The files of an archive in a folder. A layout that is there gets the images too: its other names stay. The lists come
 * last, so that a crash leaves the layout that was there.
 *
 * @throws HawserError MANIFEST_INVALID where the folder holds an index.json that is none
 */
export async function writeArchiveFolder(
  store: BlobReader,
  images: readonly ArchiveImage[],
  options: SaveOptions & { readonly folder: string },
): Promise<void> {
  const { folder } = options;
  const documents: [path: string, content: Uint8Array][] = [];
  for await (const item of archiveItems(store, images, options)) {
    const path = join(folder, textOf(item.entry.name));
    if (item.entry.type === 'directory') await mkdir(path, { recursive: true });
    else if (path.endsWith('.json') || path.endsWith('/oci-layout'))
      documents.push([path, await bytesOf(item)]);
    else if (!existsSync(path)) await writeBlob(path, item);
  }
  for (const [path, bytes] of documents) {
    await writeFileAtomic(path, path.endsWith('/index.json') ? mergedIndex(path, bytes) : bytes);
  }
}

async function bytesOf(item: TarItem): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of item.body ?? []) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function writeBlob(path: string, item: TarItem): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = temporaryPathFor(path);
  try {
    await pipeline(Readable.from(item.body ?? [], { objectMode: false }), createWriteStream(temporary));
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

interface LayoutIndex {
  readonly manifests: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

const nameAnnotation = 'org.opencontainers.image.ref.name';

function mergedIndex(path: string, bytes: Uint8Array): string {
  const added = JSON.parse(Buffer.from(bytes).toString()) as LayoutIndex;
  const nameOf = ({ annotations }: Descriptor) => annotations?.[nameAnnotation];
  const taken = new Set(added.manifests.flatMap(entry => [nameOf(entry) ?? entry.digest]));
  const present = presentIndex(path);
  const kept = present.manifests.filter(entry => !taken.has(nameOf(entry) ?? entry.digest));
  const annotations = { ...present.annotations, ...added.annotations };
  return JSON.stringify({
    ...added,
    manifests: [...kept, ...added.manifests],
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  });
}

function presentIndex(path: string): LayoutIndex {
  try {
    const index = JSON.parse(readFileSync(path, 'utf8')) as Partial<LayoutIndex>;
    if (!Array.isArray(index.manifests)) throw new Error('it has no list "manifests"');
    return index as LayoutIndex;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return { manifests: [] };
    throw new HawserError('MANIFEST_INVALID', `${path} is no index: ${messageOf(error)}`, {
      cause: error,
      remedy: 'Name an empty folder, or one that holds an OCI layout.',
    });
  }
}
