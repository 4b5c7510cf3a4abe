import { join } from 'node:path';
import { HawserError } from '../../errors/hawser-error.ts';
import type { SourceTree } from '../execute/copy/source-tree.ts';
import type { OpenedSource, RemoteSource } from '../execute/remote-source.ts';
import type { ScratchFolders } from '../scratch-folder.ts';
import { checkOut } from './git-checkout.ts';
import type { GitReference } from './git-reference.ts';
import { type GitCommit, GitRepository } from './git-repository.ts';
import { redactUrl } from './redact-url.ts';

export interface GitSourceOptions {
  /** Where repositories are kept between builds. */
  readonly folder: string;
  /** Where this build checks out. */
  readonly scratch: ScratchFolders;
  /** `Authorization` for the host, where there is a secret for it. */
  readonly authorization: () => Promise<string | undefined>;
  readonly signal?: AbortSignal | undefined;
}

/** The files of a git repository at a commit. Named by the commit, so that one that was built before is not fetched. */
export class GitSource implements RemoteSource {
  readonly #reference: GitReference;
  readonly #options: GitSourceOptions;
  #found: Promise<GitCommit> | undefined;
  #tree: Promise<SourceTree> | undefined;

  constructor(reference: GitReference, options: GitSourceOptions) {
    this.#reference = reference;
    this.#options = options;
  }

  async key() {
    const { commit } = await this.#resolved();
    const { subdir, keepGitDir, submodules, commitTime } = this.#reference;
    const time = commitTime === true;
    return ['git', commit, subdir, keepGitDir === true, submodules !== false, time];
  }

  async dependency() {
    const { commit } = await this.#resolved();
    const { remote, ref, subdir } = this.#reference;
    const end = subdir === undefined ? (ref ?? '') : `${ref ?? ''}:${subdir}`;
    const digest = { [commit.length === 64 ? 'sha256' : 'sha1']: commit };
    return { uri: `${redactUrl(remote)}${end === '' ? '' : `#${end}`}`, digest };
  }

  async open(): Promise<OpenedSource> {
    return { kind: 'tree', tree: await this.tree() };
  }

  /** The files, checked out once. */
  tree(): Promise<SourceTree> {
    this.#tree ??= this.#checkOut();
    return this.#tree;
  }

  /** When its commit was made, in seconds since 1970. */
  async time(): Promise<number> {
    const found = await this.#resolved();
    return (await this.#repository()).timeOf(found);
  }

  #resolved(): Promise<GitCommit> {
    this.#found ??= this.#resolve();
    return this.#found;
  }

  async #resolve(): Promise<GitCommit> {
    const { ref, checksum, remote } = this.#reference;
    // A beginning of a commit is no ref: it says only what the default branch must be at.
    const name = ref === checksum && checksum !== undefined && checksum.length < 40 ? undefined : ref;
    const found = await (await this.#repository()).resolve(name);
    if (checksum !== undefined && !found.commit.startsWith(checksum)) {
      throw new HawserError(
        'DIGEST_INVALID',
        `${redactUrl(remote)} is at ${found.commit}, which does not begin with ${checksum}`,
        { remedy: 'Find out whether it was moved on purpose before you take the new commit.' },
      );
    }
    return found;
  }

  async #checkOut(): Promise<SourceTree> {
    const { scratch, authorization, signal } = this.#options;
    const { remote, subdir, keepGitDir, submodules, commitTime } = this.#reference;
    const found = await this.#resolved();
    const folder = join(await scratch.make(), 'checkout');
    const header = await authorization();
    const root = await (await this.#repository()).withCommit(found, gitDir =>
      checkOut(gitDir, folder, {
        remote,
        found,
        subdir,
        keepGitDir: keepGitDir === true,
        submodules: submodules !== false,
        commitTime: commitTime === true,
        authorization: header,
        signal,
      }),
    );
    return { root, owners: 'root' };
  }

  async #repository(): Promise<GitRepository> {
    const { folder, authorization, signal } = this.#options;
    return new GitRepository(this.#reference.remote, {
      folder,
      authorization: await authorization(),
      signal,
    });
  }
}
