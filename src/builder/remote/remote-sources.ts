import { join } from 'node:path';
import type { Digest } from '../../image/digest.ts';
import type { RemoteSource } from '../execute/remote-source.ts';
import type { ScratchFolders } from '../scratch-folder.ts';
import type { GitReference } from './git-reference.ts';
import { GitSource } from './git-source.ts';
import { HttpDownloads } from './http-downloads.ts';
import { HttpSource } from './http-source.ts';

export interface RemoteSourcesOptions {
  /** `$HAWSER_ROOT/build-cache` */
  readonly cacheRoot: string;
  readonly scratch: ScratchFolders;
  /** What `--secret` gives under an id; undefined for nothing. */
  readonly readSecret: (id: string) => Promise<Uint8Array | undefined>;
  readonly signal?: AbortSignal | undefined;
}

/** What a build takes from the network beside images: URLs and git repositories, with the secrets that are for their hosts. */
export class RemoteSources {
  readonly #options: RemoteSourcesOptions;
  readonly #downloads: HttpDownloads;
  /** One commit and one content for each name throughout a build. */
  readonly #known = new Map<string, HttpSource | GitSource>();

  constructor(options: RemoteSourcesOptions) {
    this.#options = options;
    this.#downloads = new HttpDownloads(join(options.cacheRoot, 'downloads'));
  }

  http(url: URL, checksum?: Digest): RemoteSource {
    return this.#once(`${url.href} ${checksum ?? ''}`, () => {
      const headers = async (): Promise<Record<string, string>> => {
        const authorization = await this.#httpAuthorization(url.hostname);
        return authorization === undefined ? {} : { authorization };
      };
      const { signal } = this.#options;
      return new HttpSource(url, { downloads: this.#downloads, checksum, headers, signal });
    });
  }

  git(reference: GitReference): GitSource {
    return this.#once(JSON.stringify(reference), () => {
      const { scratch, cacheRoot, signal } = this.#options;
      const authorization = () => this.#gitAuthorization(reference.remote);
      return new GitSource(reference, { folder: join(cacheRoot, 'git'), scratch, authorization, signal });
    });
  }

  /** All of it, with its digest or commit. */
  async dependencies(): Promise<
    readonly { readonly uri: string; readonly digest: Readonly<Record<string, string>> }[]
  > {
    return Promise.all([...this.#known.values()].map(source => source.dependency()));
  }

  #once<Source extends HttpSource | GitSource>(key: string, make: () => Source): Source {
    const known = this.#known.get(key) as Source | undefined;
    if (known !== undefined) return known;
    const made = make();
    this.#known.set(key, made);
    return made;
  }

  /** HTTP_AUTH_HEADER_<host>, the whole header, or HTTP_AUTH_TOKEN_<host>, a bearer token. */
  async #httpAuthorization(host: string): Promise<string | undefined> {
    const token = await this.#secret(`HTTP_AUTH_TOKEN_${host}`);
    if (token !== undefined) return `Bearer ${token}`;
    return this.#secret(`HTTP_AUTH_HEADER_${host}`);
  }

  /** GIT_AUTH_HEADER and GIT_AUTH_TOKEN, those with `.<host>` first. */
  async #gitAuthorization(remote: string): Promise<string | undefined> {
    if (!/^https?:/.test(remote)) return undefined;
    const { host } = new URL(remote);
    for (const end of [`.${host}`, '']) {
      const header = await this.#secret(`GIT_AUTH_HEADER${end}`);
      if (header !== undefined) return header;
      const token = await this.#secret(`GIT_AUTH_TOKEN${end}`);
      if (token === undefined) continue;
      return `basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
    }
    return undefined;
  }

  async #secret(id: string): Promise<string | undefined> {
    const bytes = await this.#options.readSecret(id);
    return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8').trim();
  }
}
