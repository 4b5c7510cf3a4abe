import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HawserError, isHawserError } from '../../errors/hawser-error.ts';
import { withFileLock } from '../../util/file-lock.ts';
import { type GitRun, git } from './git-program.ts';
import { redactUrl } from './redact-url.ts';

export interface GitRepositoryOptions {
  /** Where repositories are kept between builds. */
  readonly folder: string;
  /** `Authorization` for http remotes. */
  readonly authorization?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A commit, and the name that led to it where there was one. */
export interface GitCommit {
  readonly commit: string;
  /** E.g. `refs/heads/main`; undefined for a commit that was named itself. */
  readonly ref?: string;
}

const fullCommit = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * What a remote repository has, kept bare in `<folder>/<hash of the remote>` with the commits that builds have used. A
 * crash leaves at most a lock of git's own and loose objects; both are done away with by the next fetch.
 */
export class GitRepository {
  readonly #remote: string;
  readonly #options: GitRepositoryOptions;
  readonly #gitDir: string;

  constructor(remote: string, options: GitRepositoryOptions) {
    this.#remote = remote;
    this.#options = options;
    this.#gitDir = join(options.folder, createHash('sha256').update(remote).digest('hex').slice(0, 32));
  }

  /**
   * The commit that a branch, a tag or a commit stands for; of a branch and a tag with one name the branch counts.
   *
   * @throws HawserError DOWNLOAD_FAILED
   */
  async resolve(ref: string | undefined): Promise<GitCommit> {
    if (ref !== undefined && fullCommit.test(ref)) return { commit: ref };
    const wanted = ref ?? 'HEAD';
    const output = await git(['ls-remote', '--', this.#remote, wanted, `${wanted}^{}`], this.#network());
    const refs = new Map(
      output.split('\n').map(line => {
        const [commit = '', name = ''] = line.split('\t');
        return [name, commit] as const;
      }),
    );
    const bare = wanted.replace(/^refs\//, '');
    const names = [
      ...(ref === undefined ? ['HEAD'] : []),
      `refs/heads/${wanted.replace(/^refs\/heads\//, '')}`,
      `refs/tags/${wanted.replace(/^refs\/tags\//, '')}`,
      `refs/${bare}`,
    ];
    for (const name of names) {
      const commit = refs.get(`${name}^{}`) ?? refs.get(name);
      if (commit !== undefined && fullCommit.test(commit)) return { commit, ref: name };
    }
    throw new HawserError('DOWNLOAD_FAILED', `${redactUrl(this.#remote)} has no ${JSON.stringify(wanted)}`, {
      remedy: 'Name a branch, a tag, or a commit with all its digits.',
    });
  }

  /**
   * Fetches a commit unless it is here, and runs `work` with the repository's folder while nobody else changes it.
   *
   * @throws HawserError DOWNLOAD_FAILED
   */
  async withCommit<Result>(found: GitCommit, work: (gitDir: string) => Promise<Result>): Promise<Result> {
    await mkdir(this.#options.folder, { recursive: true });
    const { signal } = this.#options;
    const locking = async () => {
      if (!existsSync(join(this.#gitDir, 'HEAD'))) await this.#create();
      if (!(await this.#has(found.commit))) await this.#fetch(found);
      return work(this.#gitDir);
    };
    return withFileLock(`${this.#gitDir}.lock`, locking, { signal, timeout: 600_000 });
  }

  /** When a commit was made, in seconds since 1970. @throws HawserError DOWNLOAD_FAILED */
  timeOf(found: GitCommit): Promise<number> {
    return this.withCommit(found, async () => {
      const time = await git(['show', '-s', '--format=%ct', `${found.commit}^{commit}`], this.#local());
      return Number(time.trim());
    });
  }

  async #create(): Promise<void> {
    const run = this.#local();
    await git(['init', '-q', '--bare', '--', this.#gitDir], { from: 'folder' });
    await git(['config', 'uploadpack.allowAnySHA1InWant', 'true'], run);
    await git(['config', 'remote.origin.url', this.#remote], run);
  }

  async #has(commit: string): Promise<boolean> {
    try {
      await git(['cat-file', '-e', `${commit}^{tree}`], this.#local());
      return true;
    } catch (error) {
      if (isHawserError(error, 'DOWNLOAD_FAILED')) return false;
      throw error;
    }
  }

  /** The commit alone, where the server gives it out; else what its name stands for; else everything. */
  async #fetch(found: GitCommit): Promise<void> {
    for (const name of ['shallow.lock', 'index.lock']) await rm(join(this.#gitDir, name), { force: true });
    const quick = ['fetch', '-q', '--no-tags', '--depth=1', '--no-recurse-submodules'];
    const attempts = [
      [...quick, 'origin', found.commit],
      ...(found.ref === undefined ? [] : [[...quick, 'origin', found.ref]]),
      ['fetch', '-q', '--no-recurse-submodules', 'origin', '+refs/*:refs/remotes/origin/*'],
    ];
    let problem: unknown;
    for (const args of attempts) {
      try {
        await git(args, this.#network());
        if (await this.#has(found.commit)) return this.#keep(found.commit);
      } catch (error) {
        if (!isHawserError(error, 'DOWNLOAD_FAILED')) throw error;
        problem ??= error;
      }
    }
    throw (
      problem ??
      new HawserError('DOWNLOAD_FAILED', `${redactUrl(this.#remote)} has no commit ${found.commit}`)
    );
  }

  /** A name for the commit, so that git neither forgets nor asks for it again. */
  async #keep(commit: string): Promise<void> {
    await git(['update-ref', `refs/hawser/${commit}`, commit], this.#local());
  }

  #network(): GitRun {
    const { authorization, signal } = this.#options;
    const gitDir = existsSync(this.#gitDir) ? { gitDir: this.#gitDir } : {};
    return { ...gitDir, from: 'network', remote: this.#remote, authorization, signal };
  }

  #local(): GitRun {
    return { gitDir: this.#gitDir, from: 'folder', signal: this.#options.signal };
  }
}
