import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';
import { writeFileAtomic } from '../util/atomic-file.ts';
import { loadDockerfile } from './check-build.ts';
import type { LintOptions } from './dockerfile/lint/lint.ts';
import { dockerfileText } from './dockerfile/parse.ts';
import { contextFiles } from './lint-context.ts';

export interface LintRequest {
  readonly file?: string | undefined;
  readonly target?: string | undefined;
  readonly buildArgs: Readonly<Record<string, string>>;
}

export interface LoadedForLint {
  readonly text: string;
  /** As the user knows it. */
  readonly file: string;
  /** Where it lies; undefined for stdin. */
  readonly path: string | undefined;
  readonly options: LintOptions;
}

/**
 * The Dockerfile that `path` means: a folder to build from, a Dockerfile in one, or `-` for stdin, which has no files.
 *
 * @throws HawserError DOCKERFILE_UNKNOWN, CONTEXT_INVALID, DOCKERFILE_INVALID for a wrong line of .dockerignore
 */
export async function loadForLint(path: string, request: LintRequest): Promise<LoadedForLint> {
  const { target, buildArgs } = request;
  if (path === '-') {
    const text = dockerfileText(await readStdin());
    return { text, file: 'Dockerfile', path: undefined, options: { file: 'Dockerfile', target, buildArgs } };
  }
  const isFile = request.file === undefined && (await isRegularFile(path));
  const loaded = await loadDockerfile({
    context: isFile ? dirname(path) : path,
    ...(isFile ? { file: path } : request.file === undefined ? {} : { file: request.file }),
    ...(target === undefined ? {} : { target }),
    buildArgs,
  });
  const file = isFile ? basename(path) : loaded.file;
  return {
    text: loaded.text,
    file,
    path: loaded.path,
    options: { ...loaded.options, file, context: contextFiles(loaded.tree) },
  };
}

/**
 * Writes the mended text in place of the one that was read; mode and links to the file stay.
 *
 * @throws HawserError CONFLICT where the file has something else by now, UNSUPPORTED where it is not UTF-8
 */
export async function replaceDockerfile(
  path: string,
  text: { readonly from: string; readonly to: string },
): Promise<void> {
  const target = await realpath(path);
  const [present, { mode }] = await Promise.all([readFile(target), stat(target)]);
  if (dockerfileText(present) !== text.from) {
    throw new HawserError('CONFLICT', `${path} has changed while it was read`, { remedy: 'Run it again.' });
  }
  if (!Buffer.from(text.from).equals(present)) {
    throw new HawserError(
      'UNSUPPORTED',
      `${path} is not UTF-8: to write it would change more than is mended`,
      {
        remedy: 'Convert it to UTF-8 first.',
      },
    );
  }
  await writeFileAtomic(target, text.to, { mode: mode & 0o7777 });
}

async function isRegularFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return false; // what is wrong with it is told when it is read
  }
}

async function readStdin(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
