import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type ArchiveImage, archiveItems } from '../../content/archive/save.ts';
import { writeArchiveFolder } from '../../content/archive/save-folder.ts';
import type { NamedDescriptor } from '../../content/store.ts';
import { HawserError } from '../../errors/hawser-error.ts';
import type { Digest } from '../../image/digest.ts';
import { type ImageIndex, serializeManifest } from '../../image/manifest.ts';
import { formatPlatform } from '../../image/platform.ts';
import { referrerDescriptor, referrersTag, withReferrer } from '../../image/referrers.ts';
import { writeTar } from '../../tar/writer.ts';
import { annotationsFor } from './form-image.ts';
import type { ArchiveOutput } from './output.ts';
import {
  type Attestation,
  descriptorOf,
  type FormedImage,
  type StoreWork,
  storeDocument,
} from './platform-image.ts';
import { writeStream } from './write-stream.ts';

export interface ArchiveWork extends StoreWork {
  readonly image: FormedImage;
  readonly names: readonly string[];
  readonly attestations: readonly Attestation[];
}

/** `type=oci` and `type=docker`. @throws HawserError INVALID_ARGUMENT, NO_SPACE, ABORTED */
export async function writeImageArchive(output: ArchiveOutput, work: ArchiveWork): Promise<void> {
  const { parts, descriptor } = work.image;
  const [first] = parts;
  if (first === undefined) throw new Error('there is no image');
  if (output.type === 'docker' && parts.length > 1) {
    const platforms = parts.map(({ platform }) => formatPlatform(platform)).join(', ');
    throw new HawserError('INVALID_ARGUMENT', `an archive for docker holds one platform, not ${platforms}`, {
      remedy: 'Use type=oci, or build one platform.',
    });
  }
  const annotations = annotationsFor(output.form ?? {}, 'index-descriptor', undefined);
  const root = annotations === undefined ? descriptor : { ...descriptor, annotations };
  const image: ArchiveImage = {
    image: { descriptor: root, manifest: first.image.manifest, config: first.image.config },
    names: work.names,
    ...(output.type === 'oci' ? { referrers: await referrerLists(work) } : {}),
  };
  const options = { format: output.type, signal: work.signal };
  if (output.folder === true) {
    await writeArchiveFolder(work.store, [image], { ...options, folder: resolve(output.dest) });
    return;
  }
  if (output.dest !== '-') await refuseFolder(output.dest);
  await writeStream(writeTar(archiveItems(work.store, [image], options)), output.dest, work.signal);
}

/** What refers to each image, in lists under the tags by which a layout without a server has them found. */
async function referrerLists(work: ArchiveWork): Promise<readonly NamedDescriptor[]> {
  const bySubject = new Map<Digest, ImageIndex>();
  for (const { subject, manifest } of work.attestations) {
    const list = bySubject.get(subject.digest)?.manifests ?? [];
    bySubject.set(subject.digest, withReferrer(list, referrerDescriptor(manifest)));
  }
  const lists: NamedDescriptor[] = [];
  for (const [subject, index] of bySubject) {
    const document = serializeManifest(index);
    await storeDocument(work, document);
    lists.push({ name: referrersTag(subject), descriptor: descriptorOf(document) });
  }
  return lists;
}

async function refuseFolder(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined); // what keeps it from being written is told then
  if (found?.isDirectory() !== true) return;
  throw new HawserError(
    'INVALID_ARGUMENT',
    `cannot write an archive to ${JSON.stringify(path)}: it is a folder`,
    {
      remedy: 'Name a file, or add tar=false.',
    },
  );
}
