import { readFileSync, statSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { HawserError, systemErrorCode } from '../../errors/hawser-error.ts';
import { byteString, fsPath } from '../../util/byte-string.ts';
import { nearest } from '../../util/nearest.ts';
import { joinBytes, resolveInside } from '../execute/copy/root-path.ts';
import type { SourceTree } from '../execute/copy/source-tree.ts';

export interface DockerfileText {
  /** As the user knows it, for messages. */
  readonly name: string;
  /** Undefined for one that comes from elsewhere than a file. */
  readonly path?: string | undefined;
  readonly bytes: Uint8Array;
}

/** Far above any real one. */
const MAX_DOCKERFILE = 16 * 1024 * 1024;

/**
 * Reads the Dockerfile: the file that is named (relative to the present folder), else `Dockerfile` in the context, in lower
 * case too.
 *
 * @throws HawserError DOCKERFILE_UNKNOWN with a near name
 */
export async function readDockerfile(context: string, file: string | undefined): Promise<DockerfileText> {
  const written = file ?? join(context, 'Dockerfile');
  const path = resolve(written);
  const found = (await read(path)) ?? (file === undefined ? await readLowerCase(path) : undefined);
  if (found !== undefined) return { name: file ?? basename(found.path), ...found };
  const near = await nearName(path);
  throw new HawserError('DOCKERFILE_UNKNOWN', `cannot read ${JSON.stringify(written)}`, {
    remedy:
      near === undefined
        ? 'Name the Dockerfile with -f.'
        : `Did you mean -f ${join(dirname(written), near)}?`,
  });
}

/**
 * Reads the Dockerfile out of a context that is no folder of the user's: a path inside it, which no link leads out of.
 *
 * @throws HawserError DOCKERFILE_UNKNOWN
 */
export async function readDockerfileInside(
  { root }: SourceTree,
  file = 'Dockerfile',
): Promise<DockerfileText> {
  const inside = byteString(root);
  const names = file === 'Dockerfile' ? [file, 'dockerfile'] : [file];
  for (const name of names) {
    const path = joinBytes(inside, resolveInside(inside, byteString(name), { followLast: true }));
    const found = await read(fsPath(path), { plain: true });
    if (found !== undefined) return { name, bytes: found.bytes };
  }
  throw new HawserError('DOCKERFILE_UNKNOWN', `the build context has no ${JSON.stringify(file)}`, {
    remedy: 'Name the Dockerfile with -f; it is a path inside the context.',
  });
}

/** Undefined where there is no such file. A pipe that the user names is read too, one in an archive is not. */
async function read<Path extends string | Buffer>(
  path: Path,
  options: { readonly plain?: true } = {},
): Promise<{ readonly path: Path; readonly bytes: Uint8Array } | undefined> {
  try {
    const stats = statSync(path);
    if (stats.isDirectory() || (options.plain && !stats.isFile())) return undefined;
    if (stats.size > MAX_DOCKERFILE) {
      throw new HawserError('DOCKERFILE_INVALID', `${path} has ${stats.size} bytes, over ${MAX_DOCKERFILE}`);
    }
    return { path, bytes: stats.isFile() ? readFileSync(path) : await readFile(path) };
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined;
    throw error;
  }
}

/** BuildKit takes `dockerfile` where there is no `Dockerfile`. */
function readLowerCase(path: string) {
  return read(join(dirname(path), basename(path).toLowerCase()));
}

async function nearName(path: string): Promise<string | undefined> {
  try {
    const names = await readdir(dirname(path));
    return (
      names.find(name => name.toLowerCase() === basename(path).toLowerCase()) ??
      names.find(
        name =>
          /^(?:Containerfile|.*\.Dockerfile|Dockerfile\..*)$/i.test(name) && !name.endsWith('.dockerignore'),
      ) ??
      nearest(basename(path), names)
    );
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined; // there is no such folder either
  }
}
