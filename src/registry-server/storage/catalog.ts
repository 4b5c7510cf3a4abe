import { isRepositoryName, type RepositoryName } from '../../distribution/names.ts';
import type { StorageReader } from './driver.ts';
import { repositoriesPath } from './paths.ts';

/** Order of the catalog: component by component, so that `a/b` comes before `a-b`, as registry:2 sorts. */
function isAfter(name: string, other: string): boolean {
  return name.replaceAll('/', '\0') > other.replaceAll('/', '\0');
}

/** A folder of a repository, or of what is above one. */
interface RepositoryFolder {
  readonly name: RepositoryName;
  /** What lies in it, e.g. `_manifests`. */
  readonly children: readonly string[];
}

/**
 * The repositories behind `after` in order. A repository is a folder with `_manifests`, at any depth; one with layers or
 * uploads alone is none. Folders that cannot hold names behind `after` are not read.
 */
export async function* listRepositories(reader: StorageReader, after = ''): AsyncGenerator<RepositoryName> {
  for await (const { name, children } of walkRepositories(reader, after)) {
    if (children.includes('_manifests')) yield name;
  }
}

/** Every folder that can be a repository's, with what lies in it: those with layers or uploads alone too. */
export async function* walkRepositories(reader: StorageReader, after = ''): AsyncGenerator<RepositoryFolder> {
  for (const name of await reader.list(repositoriesPath)) yield* walk(reader, name, after);
}

async function* walk(reader: StorageReader, name: string, after: string): AsyncGenerator<RepositoryFolder> {
  // `_manifests` and its like, or what somebody put there.
  if (!isRepositoryName(name)) return;
  const isNext = isAfter(name, after);
  if (!isNext && name !== after && !after.startsWith(`${name}/`)) return;
  const children = await reader.list(`${repositoriesPath}/${name}`);
  if (isNext) yield { name, children };
  for (const child of children) yield* walk(reader, `${name}/${child}`, after);
}
