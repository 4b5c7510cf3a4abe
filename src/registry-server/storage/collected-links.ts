import type { RepositoryName } from '../../distribution/names.ts';
import { type Digest, digestAlgorithm } from '../../image/digest.ts';
import type { StorageDriver } from './driver.ts';
import { addLink, readLink, removeLink } from './links.ts';
import { blobAliasPath, blobDataPath, collectedNotePath, type LinkKind } from './paths.ts';
import { settledStat } from './settled.ts';

/** Milliseconds for which it is told that a link was collected: as long as a push may take. */
export const noteTime = 3_600_000;

export interface CollectedLink {
  readonly name: RepositoryName;
  readonly kind: LinkKind;
  readonly digest: Digest;
}

/**
 * Links content again that a collector unlinked since the client found it there, as long as the content is there.
 *
 * @returns undefined where no collector did; else whether the repository has it now
 */
export async function relink(
  driver: StorageDriver,
  { name, kind, digest }: CollectedLink,
): Promise<boolean | undefined> {
  const canonical =
    digestAlgorithm(digest) === 'sha256' ? digest : await readLink(driver, blobAliasPath(digest));
  if (canonical === undefined) return undefined;
  const notePath = collectedNotePath(name, kind, canonical);
  const note = await driver.stat(notePath);
  if (note === undefined || note.modified < Date.now() - noteTime) return undefined;
  await addLink(driver, { name, kind, digest, canonical });
  // Linked first, looked for afterwards: a collector that takes it now sees the link at its second look.
  const isThere = (await settledStat(driver, blobDataPath(canonical)))?.kind === 'file';
  if (isThere) await driver.remove(notePath, { durable: false });
  else await removeLink(driver, { name, kind, canonical });
  return isThere;
}
