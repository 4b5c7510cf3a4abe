import type { RepositoryName } from '../../distribution/names.ts';
import type { Digest } from '../../image/digest.ts';
import type { StorageDriver } from '../storage/driver.ts';
import { aliasesOf } from '../storage/links.ts';
import {
  asidePath,
  collectedNotePath,
  type LinkKind,
  linkFolder,
  linkKindPath,
  linkPath,
} from '../storage/paths.ts';
import { putBack, removeAside, setAside } from './set-aside.ts';

export interface Link {
  readonly name: RepositoryName;
  readonly kind: LinkKind;
  readonly canonical: Digest;
}

/** When a link was written; undefined where there is none. */
export async function linkedAt(
  driver: StorageDriver,
  { name, kind, canonical }: Link,
): Promise<number | undefined> {
  return (await driver.stat(linkPath(name, kind, canonical)))?.modified;
}

/**
 * Takes a link away that was not written to since `modified`, and leaves a note: who pushes a manifest that names the
 * content can tell that it was here a moment ago. `endTaking` or `undoTaking` must follow.
 */
export async function takeLink(driver: StorageDriver, link: Link, modified: number): Promise<boolean> {
  const { name, kind, canonical } = link;
  const path = linkPath(name, kind, canonical);
  await driver.write(collectedNotePath(name, kind, canonical), '', { durable: false });
  if (!(await setAside(driver, path))) return false;
  // Pushed again since it was judged: its manifest is on the way.
  if (((await driver.stat(asidePath(path)))?.modified ?? 0) <= modified) return true;
  await undoTaking(driver, link);
  return false;
}

export async function undoTaking(driver: StorageDriver, { name, kind, canonical }: Link): Promise<void> {
  await putBack(driver, linkPath(name, kind, canonical));
  await driver.remove(collectedNotePath(name, kind, canonical), { durable: false });
}

export async function endTaking(driver: StorageDriver, { name, kind, canonical }: Link): Promise<void> {
  await removeAside(driver, linkPath(name, kind, canonical));
  await driver.prune(linkFolder(name, kind, canonical), linkKindPath(name, kind));
  // Dead without the link itself; a push that came meanwhile has written it again.
  if ((await driver.stat(linkPath(name, kind, canonical))) !== undefined) return;
  for (const alias of await aliasesOf(driver, { name, kind, canonical })) {
    await driver.remove(linkPath(name, kind, alias), { durable: false });
    await driver.prune(linkFolder(name, kind, alias), linkKindPath(name, kind));
  }
}
