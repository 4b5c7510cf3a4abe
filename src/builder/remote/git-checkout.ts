import { lstatSync, lutimesSync, readdirSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HawserError } from '../../errors/hawser-error.ts';
import { type GitRun, git } from './git-program.ts';
import type { GitCommit } from './git-repository.ts';
import { redactUrl } from './redact-url.ts';

export interface GitCheckout {
  readonly remote: string;
  readonly found: GitCommit;
  readonly subdir?: string | undefined;
  readonly keepGitDir: boolean;
  readonly submodules: boolean;
  readonly commitTime: boolean;
  readonly authorization?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Checks a commit out into `folder`, which is made: files 0644 or 0755 by their exec bit, submodules as the commit has
 * them, `.git` only where it is wanted.
 *
 * @param gitDir A bare repository that has the commit.
 * @returns the folder that `subdir` names in it
 * @throws HawserError DOWNLOAD_FAILED
 */
export async function checkOut(gitDir: string, folder: string, checkout: GitCheckout): Promise<string> {
  const { remote, found, signal } = checkout;
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const run: GitRun = { gitDir: join(folder, '.git'), workTree: folder, from: 'folder', signal };
  await git(['init', '-q', '--', folder], { from: 'folder', signal });
  await git(['remote', 'add', 'origin', redactUrl(remote)], run);
  const source = `file://${gitDir}`;
  await git(
    ['fetch', '-q', '--no-tags', '--depth=1', '--', source, `+${found.commit}:refs/hawser/head`],
    run,
  );
  await git(['checkout', '-q', '--force', '--detach', 'refs/hawser/head'], run);
  await git(['update-ref', '-d', 'refs/hawser/head'], run);
  if (checkout.submodules) await updateSubmodules(run, checkout);
  if (checkout.commitTime) await setCommitTime(run, folder);
  const root = subfolder(folder, checkout);
  if (!checkout.keepGitDir || root !== folder) await removeGitDirs(folder);
  return root;
}

/** They come by the network only: none is taken from this machine. */
async function updateSubmodules(run: GitRun, checkout: GitCheckout): Promise<void> {
  const { remote, authorization } = checkout;
  // Their addresses may be relative to that of the repository.
  await git(['remote', 'set-url', 'origin', remote], run);
  const args = ['submodule', '--quiet', 'update', '--init', '--recursive', '--depth=1'];
  await git(args, { ...run, from: 'network', remote, authorization });
  await git(['remote', 'set-url', 'origin', redactUrl(remote)], run);
}

async function setCommitTime(run: GitRun, folder: string): Promise<void> {
  const seconds = Number(await git(['log', '-1', '--format=%ct'], run));
  const walk = (path: string) => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const child = join(path, entry.name);
      if (entry.isDirectory() && entry.name !== '.git') walk(child);
      lutimesSync(child, seconds, seconds);
    }
  };
  walk(folder);
}

/** The folder that `#ref:subdir` names: a real one inside, through no link. CVE-2026-33748 */
function subfolder(folder: string, { subdir = '', remote, found }: GitCheckout): string {
  let path = folder;
  for (const part of subdir.split('/').filter(name => name !== '' && name !== '.')) {
    path = join(path, part);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (part !== '..' && stats?.isDirectory() === true) continue;
    const what = stats?.isSymbolicLink() === true ? 'is a link' : 'is no folder';
    throw new HawserError(
      'DOWNLOAD_FAILED',
      `the subdir ${JSON.stringify(subdir)} ${what} in ${redactUrl(remote)} at ${found.commit}`,
      { remedy: 'Name a folder of the repository.' },
    );
  }
  return path;
}

/** Also the files of that name that submodules have. */
async function removeGitDirs(folder: string): Promise<void> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.name === '.git') await rm(path, { recursive: true, force: true });
    else if (entry.isDirectory()) await removeGitDirs(path);
  }
}
