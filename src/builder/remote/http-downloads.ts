import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { HawserError, systemErrorCode } from '../../errors/hawser-error.ts';
import { type Digest, digestHex, isDigest } from '../../image/digest.ts';
import { temporaryPathFor, writeFileAtomic } from '../../util/atomic-file.ts';
import { connectionError, failure, requestUrl } from './http-request.ts';
import { redactUrl } from './redact-url.ts';

/** What is known of a URL. */
export interface Download {
  readonly digest: Digest;
  /** Milliseconds since 1970, of Last-Modified; undefined where the server does not say. */
  readonly lastModified: number | undefined;
}

interface DownloadRecord extends Download {
  readonly etag: string | undefined;
}

export interface DownloadOptions {
  /** `Authorization`, or none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What the content must have. */
  readonly checksum?: Digest | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Contents of URLs, kept by digest: `<folder>/content/<hex>`, and a record `<folder>/urls/<hash>.json` of what each URL
 * gave last. A crash leaves `*.tmp` files, which the next pruning removes; contents are whole or not there.
 */
export class HttpDownloads {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  pathOf(digest: Digest): string {
    return join(this.#folder, 'content', digestHex(digest));
  }

  async has(digest: Digest): Promise<boolean> {
    return (await sizeOf(this.pathOf(digest))) !== undefined;
  }

  /**
   * What the URL gives now; its content is here afterwards. A server that tells ETags is asked whether the content is still
   * what it was.
   *
   * @throws HawserError DOWNLOAD_FAILED, DIGEST_INVALID where it is not what the checksum says, NO_SPACE, ABORTED
   */
  async fetch(url: URL, options: DownloadOptions = {}): Promise<Download> {
    const record = await this.#record(url);
    const { checksum } = options;
    if (checksum !== undefined && (await this.has(checksum))) {
      return {
        digest: checksum,
        lastModified: record?.digest === checksum ? record.lastModified : undefined,
      };
    }
    const known = record?.etag !== undefined && (await this.has(record.digest)) ? record : undefined;
    const download = (await this.#current(url, known, options)) ?? (await this.#get(url, known, options));
    if (checksum !== undefined && download.digest !== checksum)
      throw mismatch(url, download.digest, checksum);
    return download;
  }

  async #get(
    url: URL,
    known: DownloadRecord | undefined,
    { headers, signal }: DownloadOptions,
  ): Promise<DownloadRecord> {
    const conditional: Record<string, string> = { ...headers };
    if (known?.etag !== undefined) conditional['if-none-match'] = known.etag;
    const answer = await requestUrl(url, { method: 'GET', headers: conditional, signal });
    if (answer.statusCode === 304 && known !== undefined) {
      answer.destroy();
      return known;
    }
    requireSuccess(url, answer);
    const fetched: DownloadRecord = {
      digest: await this.#save(url, answer, signal),
      lastModified: timeOf(answer.headers['last-modified']),
      etag: answer.headers.etag,
    };
    await writeFileAtomic(this.#recordPath(url), JSON.stringify(fetched), { durable: false });
    return fetched;
  }

  /** Some servers tell ETags and ignore If-None-Match: a HEAD with a look at its ETag helps there. */
  async #current(
    url: URL,
    known: DownloadRecord | undefined,
    { headers, signal }: DownloadOptions,
  ): Promise<DownloadRecord | undefined> {
    if (known?.etag === undefined) return undefined;
    const conditional = { ...headers, 'if-none-match': known.etag };
    const answer = await requestUrl(url, { method: 'HEAD', headers: conditional, signal });
    answer.destroy();
    const { etag } = answer.headers;
    const isSame = sameTag(etag, known.etag) || (answer.statusCode === 304 && etag === undefined);
    return isSame && (answer.statusCode === 200 || answer.statusCode === 304) ? known : undefined;
  }

  async #save(url: URL, answer: IncomingMessage, signal: AbortSignal | undefined): Promise<Digest> {
    const temporary = temporaryPathFor(join(this.#folder, 'content', 'download'));
    await mkdir(dirname(temporary), { recursive: true });
    const hash = createHash('sha256');
    answer.on('data', (chunk: Buffer) => hash.update(chunk));
    try {
      await pipeline(
        answer,
        createWriteStream(temporary, { flags: 'wx' }),
        signal === undefined ? {} : { signal },
      );
      const digest = `sha256:${hash.digest('hex')}` as Digest;
      await rename(temporary, this.pathOf(digest));
      return digest;
    } catch (error) {
      await rm(temporary, { force: true });
      if (error instanceof HawserError) throw error;
      if (systemErrorCode(error) === 'ENOSPC') {
        throw new HawserError('NO_SPACE', `fetch ${redactUrl(url.href)}: the disk is full`, { cause: error });
      }
      throw connectionError(url, error, signal);
    }
  }

  async #record(url: URL): Promise<DownloadRecord | undefined> {
    try {
      const record = JSON.parse(await readFile(this.#recordPath(url), 'utf8')) as DownloadRecord;
      return isDigest(record.digest) ? record : undefined;
    } catch (error) {
      if (error instanceof SyntaxError || systemErrorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  #recordPath(url: URL): string {
    return join(this.#folder, 'urls', `${createHash('sha256').update(url.href).digest('hex')}.json`);
  }
}

function mismatch(url: URL, digest: Digest, checksum: Digest): HawserError {
  return new HawserError(
    'DIGEST_INVALID',
    `${redactUrl(url.href)} has the digest ${digest}, not ${checksum}`,
    { remedy: 'Find out whether the file was changed on purpose before you take the new digest.' },
  );
}

function requireSuccess(url: URL, answer: IncomingMessage): void {
  const status = answer.statusCode ?? 0;
  if (status >= 200 && status < 300) return;
  answer.destroy();
  throw failure(url, `the server answers ${status} ${answer.statusMessage ?? ''}`.trim());
}

/** A weak tag stands for the same content here. */
function sameTag(left: string | undefined, right: string | undefined): boolean {
  return left !== undefined && left.replace(/^W\//, '') === right?.replace(/^W\//, '');
}

function timeOf(header: string | undefined): number | undefined {
  const time = Date.parse(header ?? '');
  return Number.isNaN(time) ? undefined : time;
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
