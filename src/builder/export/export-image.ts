import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { LayoutStore, Lease } from '../../content/store.ts';
import type { Descriptor } from '../../image/descriptor.ts';
import { temporaryPathFor } from '../../util/atomic-file.ts';
import type { BuildOutput } from '../environment.ts';
import type { FileState } from '../execute/file-state.ts';
import type { Workspace } from '../execute/workspace.ts';
import type { FinishedImage } from './finish-image.ts';

export interface ExportWork {
  readonly store: LayoutStore;
  readonly workspace: Workspace;
  readonly lease: Lease;
  readonly image: FinishedImage;
  readonly state: FileState;
  /** The first of the layers that become one; undefined where all stay. */
  readonly squashFrom: number | undefined;
  /** Full references. */
  readonly names: readonly string[];
  readonly signal: AbortSignal;
}

export function descriptorOf({ manifest }: FinishedImage): Descriptor {
  return { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.length };
}

/** The image with its new layers as one, where that was asked for and there are several. */
export async function squashImage(work: ExportWork): Promise<FinishedImage> {
  const { image, squashFrom: from, store, lease, signal } = work;
  const to = image.manifest.value.layers.length - 1;
  if (from === undefined || from >= to) return image;
  const { mergeImage } = await import('../../layers/merge-image.ts');
  return mergeImage(store, image, { range: { from, to }, lease, signal });
}

/** Puts config and manifest into the store; where they are already, nothing is written. */
export async function storeImage({ store, lease, image, signal }: ExportWork): Promise<void> {
  for (const { digest, bytes } of [image.config, image.manifest]) {
    await store.ingest([bytes], { digest, size: bytes.length, lease, signal });
  }
}

/**
 * Names the image in the local store; without a name it stands under its digest. A name that stands for it already costs
 * no write.
 */
export async function nameImage(work: ExportWork): Promise<void> {
  const descriptor = descriptorOf(work.image);
  const names = work.names.length === 0 ? [descriptor.digest] : work.names;
  for (const name of names) {
    const present = await work.store.references.get(name);
    if (present?.digest !== descriptor.digest) await work.store.references.set(name, descriptor);
  }
}

/** Writes one `--output`: beside its target first, so that a failure leaves nothing half-made. */
export async function writeOutput(output: BuildOutput, work: ExportWork): Promise<void> {
  const dest = resolve(output.dest);
  if (output.type === 'local') {
    const { copyRootfs } = await import('./copy-rootfs.ts');
    return copyRootfs(await work.workspace.view(work.state), dest, work.workspace.epoch);
  }
  await mkdir(dirname(dest), { recursive: true });
  const temporary = temporaryPathFor(dest);
  try {
    const archive = await archiveOf(output.type, work);
    const file = createWriteStream(temporary, { highWaterMark: 1024 * 1024 });
    await pipeline(Readable.from(archive, { objectMode: false }), file, { signal: work.signal });
    await rename(temporary, dest);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function archiveOf(
  type: 'oci' | 'docker' | 'tar',
  work: ExportWork,
): Promise<AsyncIterable<Uint8Array>> {
  if (type === 'tar') {
    const { rootfsArchive } = await import('./rootfs-archive.ts');
    return rootfsArchive(await work.workspace.view(work.state), {
      epoch: work.workspace.epoch,
      signal: work.signal,
    });
  }
  const { writeArchive } = await import('../../content/archive/save.ts');
  const { store, image, names, signal } = work;
  const stored = { descriptor: descriptorOf(image), manifest: image.manifest, config: image.config };
  return writeArchive(store, [{ image: stored, names }], { format: type, signal });
}
