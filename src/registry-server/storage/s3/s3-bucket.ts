import type {
  CompletedPart,
  CopyObjectCommandInput,
  ObjectCannedACL,
  S3Client,
  S3ClientConfig,
  StorageClass,
} from '@aws-sdk/client-s3';
import { HawserError, isHawserError } from '../../../errors/hawser-error.ts';
import type { ReadOptions } from '../driver.ts';
import { isMissingBucket, isMissingObject, isRangeOutside, s3Error } from './s3-errors.ts';
import type { S3Settings } from './s3-settings.ts';

type SDK = typeof import('./s3-sdk.ts');

export interface S3Object {
  /** Below the prefix of the registry. */
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970, by the server's clock. */
  readonly modified: number;
}

export interface S3Page {
  readonly objects: readonly S3Object[];
  /** What lies deeper than one level, with a slash at its end; only where the list is one of folders. */
  readonly folders: readonly string[];
}

export interface S3Content {
  readonly size: number;
  readonly body: AsyncIterable<Uint8Array> & { destroy(): unknown };
}

/** Seconds for which a client may use a URL that it was sent to. */
const SIGNED_FOR = 1200;
/** Pulls that run at once; more wait. */
const MAX_SOCKETS = 1000;

function clientConfig(settings: S3Settings, endpoint: string | undefined): S3ClientConfig {
  const { region, credentials, pathStyle, accelerate, dualStack, fips, userAgent, skipVerify } = settings;
  return {
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined
      ? {}
      : {
          credentials: {
            accessKeyId: credentials.accessKeyId,
            secretAccessKey: credentials.secretAccessKey,
            ...(credentials.sessionToken === undefined ? {} : { sessionToken: credentials.sessionToken }),
          },
        }),
    ...(userAgent === undefined ? {} : { customUserAgent: userAgent }),
    forcePathStyle: pathStyle,
    useAccelerateEndpoint: accelerate,
    useDualstackEndpoint: dualStack,
    useFipsEndpoint: fips,
    // What every server of the protocol knows; the digest of a blob is checked at both ends anyway.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: 10_000,
      httpAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
      httpsAgent: { keepAlive: true, maxSockets: MAX_SOCKETS, rejectUnauthorized: !skipVerify },
    },
  };
}

/** The requests that a registry makes of one bucket; keys are below its prefix. */
export class S3Bucket {
  readonly #sdk: SDK;
  readonly #client: S3Client;
  readonly #settings: S3Settings;
  readonly #prefix: string;
  #signer: S3Client | undefined;

  private constructor(sdk: SDK, settings: S3Settings) {
    this.#sdk = sdk;
    this.#settings = settings;
    this.#prefix = settings.prefix === '' ? '' : `${settings.prefix}/`;
    this.#client = new sdk.S3Client(clientConfig(settings, settings.endpoint));
  }

  /** @throws HawserError INVALID_ARGUMENT, PERMISSION_DENIED, UNAVAILABLE */
  static async open(settings: S3Settings): Promise<S3Bucket> {
    // Which versions of Node the SDK wants some day is not for who runs a registry.
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
    const bucket = new S3Bucket(await import('./s3-sdk.ts'), settings);
    await bucket.check();
    return bucket;
  }

  /** Whether the bucket can be reached. @throws HawserError INVALID_ARGUMENT, PERMISSION_DENIED, UNAVAILABLE */
  async check(): Promise<void> {
    await this.page('', { limit: 1 });
  }

  async head(key: string): Promise<S3Object | undefined> {
    const found = await this.#unlessMissing(`look for ${key}`, () =>
      this.#client.send(new this.#sdk.HeadObjectCommand(this.#at(key))),
    );
    if (found === undefined) return undefined;
    // A copy is younger than what it was made of: how old that is, it tells itself.
    const told = Number(found.Metadata?.modified);
    const modified = Number.isFinite(told) ? told : (found.LastModified?.getTime() ?? 0);
    return { key, size: found.ContentLength ?? 0, modified };
  }

  /** Undefined where there is no such object. A range behind its end is empty. */
  async get(key: string, { start = 0, end, signal }: ReadOptions = {}): Promise<S3Content | undefined> {
    const last = end === undefined ? '' : end - 1;
    const range = start === 0 && end === undefined ? {} : { Range: `bytes=${start}-${last}` };
    const options = signal === undefined ? {} : { abortSignal: signal };
    try {
      const found = await this.#unlessMissing(`read ${key}`, () =>
        this.#client.send(new this.#sdk.GetObjectCommand({ ...this.#at(key), ...range }), options),
      );
      if (found?.Body === undefined) return undefined;
      const body = found.Body as unknown as S3Content['body'];
      return { size: found.ContentLength ?? 0, body };
    } catch (error) {
      if (!isRangeOutside(isHawserError(error) ? error.cause : error)) throw error;
      return { size: 0, body: Object.assign(nothing(), { destroy: () => undefined }) };
    }
  }

  async put(key: string, content: Uint8Array): Promise<void> {
    const input = { ...this.#at(key), ...this.#written(), Body: content, ContentLength: content.length };
    await this.#doing(`write ${key}`, () => this.#client.send(new this.#sdk.PutObjectCommand(input)));
  }

  /** Nothing there is fine. */
  async remove(key: string): Promise<void> {
    await this.#unlessMissing(`remove ${key}`, () =>
      this.#client.send(new this.#sdk.DeleteObjectCommand(this.#at(key))),
    );
  }

  /** At most 1000 objects, or folders, in the order of their keys. */
  async page(
    prefix: string,
    options: {
      readonly folders?: boolean;
      readonly limit?: number;
      readonly token?: string;
      /** The key that the page begins behind. */
      readonly after?: string;
    } = {},
  ): Promise<S3Page & { readonly next: string | undefined }> {
    const { folders, limit, token, after } = options;
    const input = {
      Bucket: this.#settings.bucket,
      Prefix: `${this.#prefix}${prefix}`,
      ...(folders === true ? { Delimiter: '/' } : {}),
      ...(limit === undefined ? {} : { MaxKeys: limit }),
      ...(token === undefined ? {} : { ContinuationToken: token }),
      ...(after === undefined ? {} : { StartAfter: `${this.#prefix}${after}` }),
    };
    const found = await this.#doing(`list ${prefix}`, () =>
      this.#client.send(new this.#sdk.ListObjectsV2Command(input)),
    );
    const from = this.#prefix.length;
    return {
      objects: (found.Contents ?? []).map(({ Key = '', Size = 0, LastModified }) => ({
        key: Key.slice(from),
        size: Size,
        modified: LastModified?.getTime() ?? 0,
      })),
      folders: (found.CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix.slice(from)),
      next: found.IsTruncated === true ? found.NextContinuationToken : undefined,
    };
  }

  async *pages(prefix: string, options: { readonly folders?: boolean } = {}): AsyncGenerator<S3Page> {
    let token: string | undefined;
    do {
      const page = await this.page(prefix, { ...options, ...(token === undefined ? {} : { token }) });
      yield page;
      token = page.next;
    } while (token !== undefined);
  }

  /** On the server; at most 5 GB. @param modified What `head` tells of the copy. */
  async copy(from: string, to: string, modified?: number): Promise<void> {
    const input: CopyObjectCommandInput = {
      ...this.#at(to),
      ...this.#written(modified),
      CopySource: this.#source(from),
      MetadataDirective: 'REPLACE',
    };
    await this.#doing(`copy ${from} to ${to}`, () =>
      this.#client.send(new this.#sdk.CopyObjectCommand(input)),
    );
  }

  /** Begins an object of parts. @returns its id */
  async beginParts(key: string, modified?: number): Promise<string> {
    const input = { ...this.#at(key), ...this.#written(modified) };
    const { UploadId } = await this.#doing(`begin ${key}`, () =>
      this.#client.send(new this.#sdk.CreateMultipartUploadCommand(input)),
    );
    if (UploadId === undefined) throw new HawserError('UNAVAILABLE', `begin ${key}: the bucket gave no id`);
    return UploadId;
  }

  async putPart(key: string, part: PartName, content: Uint8Array): Promise<CompletedPart> {
    const input = { ...this.#at(key), ...part, Body: content, ContentLength: content.length };
    const { ETag } = await this.#doing(`write a part of ${key}`, () =>
      this.#client.send(new this.#sdk.UploadPartCommand(input)),
    );
    return { ETag, PartNumber: part.PartNumber };
  }

  /** A part out of another object, on the server. */
  async copyPart(
    key: string,
    part: PartName,
    source: { readonly key: string; readonly start: number; readonly end: number },
  ): Promise<CompletedPart> {
    const input = {
      ...this.#at(key),
      ...part,
      CopySource: this.#source(source.key),
      CopySourceRange: `bytes=${source.start}-${source.end - 1}`,
    };
    const { CopyPartResult } = await this.#doing(`copy a part of ${source.key}`, () =>
      this.#client.send(new this.#sdk.UploadPartCopyCommand(input)),
    );
    return { ETag: CopyPartResult?.ETag, PartNumber: part.PartNumber };
  }

  async endParts(key: string, UploadId: string, parts: readonly CompletedPart[]): Promise<void> {
    const input = { ...this.#at(key), UploadId, MultipartUpload: { Parts: [...parts] } };
    await this.#doing(`write ${key}`, () =>
      this.#client.send(new this.#sdk.CompleteMultipartUploadCommand(input)),
    );
  }

  async dropParts(key: string, UploadId: string): Promise<void> {
    const input = { ...this.#at(key), UploadId };
    await this.#unlessMissing(`give up ${key}`, () =>
      this.#client.send(new this.#sdk.AbortMultipartUploadCommand(input)),
    );
  }

  /** A URL under which whoever has it may read the object for some minutes. */
  async urlOf(key: string): Promise<string> {
    const { redirectEndpoint } = this.#settings;
    this.#signer ??=
      redirectEndpoint === undefined
        ? this.#client
        : new this.#sdk.S3Client(clientConfig(this.#settings, redirectEndpoint));
    const command = new this.#sdk.GetObjectCommand(this.#at(key));
    return await this.#sdk.getSignedUrl(this.#signer, command, { expiresIn: SIGNED_FOR });
  }

  close(): void {
    this.#client.destroy();
    this.#signer?.destroy();
  }

  #at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#settings.bucket, Key: `${this.#prefix}${key}` };
  }

  #source(key: string): string {
    return [this.#settings.bucket, ...`${this.#prefix}${key}`.split('/')].map(encodeURIComponent).join('/');
  }

  /** What is said of every object that is written. */
  #written(modified?: number) {
    const { encryption, keyID, storageClass, acl } = this.#settings;
    return {
      ContentType: 'application/octet-stream',
      ...(encryption === undefined ? {} : { ServerSideEncryption: encryption }),
      ...(keyID === undefined ? {} : { SSEKMSKeyId: keyID }),
      ...(storageClass === undefined ? {} : { StorageClass: storageClass as StorageClass }),
      ...(acl === undefined ? {} : { ACL: acl as ObjectCannedACL }),
      ...(modified === undefined ? {} : { Metadata: { modified: String(modified) } }),
    };
  }

  async #doing<Result>(action: string, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (!isMissingBucket(error)) throw s3Error(error, action);
      throw new HawserError('INVALID_ARGUMENT', `there is no bucket ${this.#settings.bucket}`, {
        cause: error,
        remedy: 'Make it, or correct storage.s3.bucket.',
      });
    }
  }

  async #unlessMissing<Result>(action: string, work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await this.#doing(action, work);
    } catch (error) {
      if (isMissingObject(isHawserError(error) ? error.cause : error)) return undefined;
      throw error;
    }
  }
}

export interface PartName {
  readonly UploadId: string;
  /** From 1 to 10,000. */
  readonly PartNumber: number;
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
