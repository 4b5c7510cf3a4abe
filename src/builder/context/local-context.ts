import { readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { HawserError, systemErrorCode } from '../../errors/hawser-error.ts';
import { StatMemo } from '../cache/stat-memo.ts';
import type { BuildContextFiles } from '../execute/context.ts';
import { type IgnoreFile, ignoreOf, type SourceTree } from '../execute/copy/source-tree.ts';

export interface LoadedContext extends BuildContextFiles {
  /** Keeps what was learnt about the files for the next build. */
  save(): Promise<void>;
}

export interface LoadContextOptions {
  /** The path of the Dockerfile, where it is a file. */
  readonly dockerfile?: string | undefined;
  /** Where digests of files are remembered. */
  readonly memos: string;
  /** For messages; default `the build context`. */
  readonly name?: string;
}

/**
 * The folder to build from, as .dockerignore leaves it: `<Dockerfile>.dockerignore` beside the Dockerfile, else
 * `.dockerignore` at the context's root.
 *
 * @throws HawserError CONTEXT_INVALID, DOCKERFILE_INVALID for a wrong pattern
 */
export async function loadContext(folder: string, options: LoadContextOptions): Promise<LoadedContext> {
  const root = resolve(folder);
  requireFolder(root, folder);
  const own = options.dockerfile === undefined ? undefined : `${options.dockerfile}.dockerignore`;
  const ignore = readIgnore(own, root) ?? readIgnore(join(root, '.dockerignore'), root);
  const memo = new StatMemo(options.memos, root);
  const tree: SourceTree = { root, owners: 'root', ...(ignore === undefined ? {} : { ignore }) };
  ignoreOf(tree); // a wrong line is told at once
  return { tree, hasher: memo, name: options.name ?? 'the build context', save: () => memo.save() };
}

function requireFolder(root: string, written: string): void {
  let isFolder: boolean;
  try {
    isFolder = statSync(root).isDirectory();
  } catch (error) {
    throw new HawserError('CONTEXT_INVALID', `cannot read the build context ${JSON.stringify(written)}`, {
      cause: error,
    });
  }
  if (!isFolder) {
    throw new HawserError('CONTEXT_INVALID', `the build context ${JSON.stringify(written)} is no folder`, {
      remedy: 'Name a folder; name a Dockerfile with -f.',
    });
  }
}

function readIgnore(path: string | undefined, root: string): IgnoreFile | undefined {
  const text = path === undefined ? undefined : readIfThere(path);
  if (path === undefined || text === undefined) return undefined;
  const inside = relative(root, path);
  const file = inside.startsWith('..') ? path : inside;
  return { file, text: text.toString('utf8') };
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
