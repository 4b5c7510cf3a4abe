import { statSync } from 'node:fs';
import type { Digest } from '../../image/digest.ts';
import { byteString } from '../../util/byte-string.ts';
import type { SourceEntry } from '../execute/copy/source-entry.ts';
import type { OpenedSource, RemoteSource } from '../execute/remote-source.ts';
import type { Download, HttpDownloads } from './http-downloads.ts';
import { redactUrl } from './redact-url.ts';

export interface HttpSourceOptions {
  readonly downloads: HttpDownloads;
  /** `--checksum` */
  readonly checksum?: Digest | undefined;
  /** Headers for the host, with what secrets there are for it. */
  readonly headers: () => Promise<Readonly<Record<string, string>>>;
  readonly signal?: AbortSignal | undefined;
}

/** A file by its URL, as ADD takes it: mode 0600, the time of Last-Modified, the name at the end of its path. */
export class HttpSource implements RemoteSource {
  readonly #url: URL;
  readonly #options: HttpSourceOptions;
  #fetched: Promise<Download> | undefined;

  constructor(url: URL, options: HttpSourceOptions) {
    this.#url = url;
    this.#options = options;
  }

  /** A checksum says what the content is, and then nobody is asked. */
  async key() {
    const name = nameOf(this.#url);
    const { checksum } = this.#options;
    if (checksum !== undefined) return ['http', name, checksum];
    const { digest, lastModified } = await this.#fetch();
    return ['http', name, digest, lastModified];
  }

  async dependency() {
    const digest = this.#options.checksum ?? (await this.#fetch()).digest;
    const [algorithm = '', hex = ''] = digest.split(':');
    return { uri: redactUrl(this.#url.href), digest: { [algorithm]: hex } };
  }

  async open(): Promise<OpenedSource> {
    const download = await this.#fetch();
    const path = this.#options.downloads.pathOf(download.digest);
    return { kind: 'file', name: nameOf(this.#url), entry: entryOf(path, download) };
  }

  #fetch(): Promise<Download> {
    this.#fetched ??= this.#download();
    return this.#fetched;
  }

  async #download(): Promise<Download> {
    const { downloads, checksum, headers, signal } = this.#options;
    return downloads.fetch(this.#url, { checksum, headers: await headers(), signal });
  }
}

function entryOf(path: string, { lastModified = 0 }: Download): SourceEntry {
  const { size, ino, ctimeMs: ctime } = statSync(path);
  const owner = { uid: 0, gid: 0 };
  const facts = { size, ino, ctime, mtime: lastModified };
  return { type: 'file', path: byteString(''), location: byteString(path), mode: 0o600, ...owner, ...facts };
}

/** The last part of the URL's path, where it can be a file's name. */
function nameOf(url: URL): string {
  const last = url.pathname.split('/').filter(Boolean).at(-1) ?? '';
  let name = last;
  try {
    name = decodeURIComponent(last);
  } catch (error) {
    if (!(error instanceof URIError)) throw error; // a percent sign that begins no escape stands for itself
  }
  return name === '' || name === '.' || name === '..' || /[/\0]/.test(name) ? '__unnamed__' : name;
}
