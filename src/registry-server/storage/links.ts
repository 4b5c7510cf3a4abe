import type { RepositoryName } from '../../distribution/names.ts';
import { type Digest, digestAlgorithm, isDigest } from '../../image/digest.ts';
import { allOf } from './all-of.ts';
import type { StorageDriver, StorageReader } from './driver.ts';
import { asidePath, blobAliasPath, type LinkKind, linkFolder, linkPath, linksPath } from './paths.ts';
import { settledStat } from './settled.ts';

/** `sha512:` and 128 digits are 135 bytes; a longer file is no link. */
const LINK_LIMIT = 256;

/**
 * The digest in a link file; undefined where there is none, or where the file is empty or broken, as registry:2 leaves
 * it when the power goes (it writes links in place): such a link counts as absent, and the next push mends it.
 */
export async function readLink(reader: StorageReader, path: string): Promise<Digest | undefined> {
  const bytes = await reader.readSmall(path, LINK_LIMIT);
  const text = bytes?.toString('latin1').trim() ?? '';
  return isDigest(text) ? text : undefined;
}

/** `link` files have no newline: registry:2 parses the whole file as a digest. */
export async function writeLink(driver: StorageDriver, path: string, digest: Digest): Promise<void> {
  await driver.write(path, digest);
}

/**
 * The sha256 digest under which a repository has `digest`; undefined where it lacks it. Content pushed by sha512 has an
 * alias `<kind>/sha512/<hex>/link` with its sha256 digest, as registry:2 writes it, beside the sha256 link itself: both
 * must stand, so that the removal of either removes the content from the repository.
 */
export async function resolveLink(
  reader: StorageReader,
  link: { readonly name: RepositoryName; readonly kind: LinkKind; readonly digest: Digest },
): Promise<Digest | undefined> {
  const { name, kind, digest } = link;
  const path = linkPath(name, kind, digest);
  let found = await readLink(reader, path);
  // A collector may be looking at it for a second time.
  if (found === undefined && (await settledStat(reader, path)) !== undefined)
    found = await readLink(reader, path);
  if (found === undefined || digestAlgorithm(found) !== 'sha256') return undefined;
  if (found === digest) return found;
  // A link in the folder of one sha256 digest that names another is broken.
  if (digestAlgorithm(digest) === 'sha256') return undefined;
  return await readLink(reader, linkPath(name, kind, found));
}

/** Links `canonical` (sha256), and `digest` as its alias where it is of another algorithm, into a repository. */
export async function addLink(
  driver: StorageDriver,
  link: {
    readonly name: RepositoryName;
    readonly kind: LinkKind;
    readonly digest: Digest;
    readonly canonical: Digest;
  },
): Promise<void> {
  const { name, kind, digest, canonical } = link;
  const writes = [writeLink(driver, linkPath(name, kind, canonical), canonical)];
  if (digest !== canonical) {
    writes.push(
      writeLink(driver, linkPath(name, kind, digest), canonical),
      writeLink(driver, blobAliasPath(digest), canonical),
    );
  }
  await allOf(writes);
}

/** All aliases in a repository of the content `canonical`. */
export async function aliasesOf(
  reader: StorageReader,
  link: { readonly name: RepositoryName; readonly kind: LinkKind; readonly canonical: Digest },
): Promise<readonly Digest[]> {
  const { name, kind, canonical } = link;
  const aliases: Digest[] = [];
  for (const hex of await reader.list(linksPath(name, kind, 'sha512'))) {
    const digest = `sha512:${hex}`;
    if (!isDigest(digest)) continue;
    if ((await readLink(reader, linkPath(name, kind, digest))) === canonical) aliases.push(digest);
  }
  return aliases;
}

/** Takes content out of a repository, under every digest that it has there. */
export async function removeLink(
  driver: StorageDriver,
  link: { readonly name: RepositoryName; readonly kind: LinkKind; readonly canonical: Digest },
): Promise<void> {
  const { name, kind, canonical } = link;
  const aliases = await aliasesOf(driver, link);
  // The sha256 link goes first: aliases without it are dead.
  await driver.remove(linkFolder(name, kind, canonical));
  // A collector that has taken it away this moment must not put it back.
  await driver.remove(asidePath(linkPath(name, kind, canonical)), { durable: false });
  for (const alias of aliases) await driver.remove(linkFolder(name, kind, alias));
}
