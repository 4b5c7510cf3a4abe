import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StorageSettings } from '../../../src/registry-server/config/storage-schema.ts';

interface S3rver {
  run(): Promise<{ readonly port: number }>;
  close(): Promise<void>;
}

const require = createRequire(import.meta.url);
const s3rver = require('s3rver') as new (options: object) => S3rver;

/** s3rver makes its tokens for the next page with DES, which OpenSSL 3 has only as three rounds: with one key, the same. */
const crypto = require('node:crypto') as Record<string, Cipher>;
for (const name of ['createCipheriv', 'createDecipheriv']) {
  const plain = crypto[name] as Cipher;
  crypto[name] = (algorithm, key, ...rest) =>
    algorithm === 'des'
      ? plain('des-ede3-cbc', Buffer.concat([key, key, key]), ...rest)
      : plain(algorithm, key, ...rest);
}

type Cipher = (algorithm: string, key: Uint8Array, ...rest: unknown[]) => unknown;

interface Listing {
  objects: { readonly key: string }[];
  commonPrefixes: string[];
  isTruncated: boolean;
}

type ListObjects = (
  bucket: string,
  options: { readonly prefix?: string; readonly delimiter?: string; readonly maxKeys?: number },
) => Promise<Listing>;

/** Lists as S3 does: s3rver forgets folders whose files lie deeper than one level. */
const store = require('s3rver/lib/stores/filesystem') as { readonly prototype: { listObjects: ListObjects } };
const { listObjects } = store.prototype;
store.prototype.listObjects = async function (bucket, options) {
  const { prefix = '', delimiter = '', maxKeys = Number.POSITIVE_INFINITY } = options;
  if (delimiter === '') return await listObjects.call(this, bucket, options);
  const all = { ...options, delimiter: '', maxKeys: Number.POSITIVE_INFINITY };
  const { objects } = await listObjects.call(this, bucket, all);
  const below = (key: string) => key.indexOf(delimiter, prefix.length);
  const plain = objects.filter(({ key }) => below(key) === -1);
  const deeper = objects.filter(({ key }) => below(key) !== -1);
  return {
    objects: plain.slice(0, maxKeys),
    commonPrefixes: [...new Set(deeper.map(({ key }) => key.slice(0, below(key) + 1)))].sort(),
    isTruncated: plain.length > maxKeys,
  };
};

const MiB = 1 << 20;
/** Another server than the one from npm, e.g. `http://user:password@127.0.0.1:7070`. */
const other = process.env.HAWSER_TEST_S3;

/** A bucket on a server of its own. */
export class TestBucket {
  readonly storage: StorageSettings & { readonly kind: 's3' };
  readonly #end: () => Promise<void>;

  private constructor(storage: TestBucket['storage'], end: () => Promise<void>) {
    this.storage = storage;
    this.#end = end;
  }

  static async start(): Promise<TestBucket> {
    const folder = await mkdtemp(join(tmpdir(), 'hawser-s3-'));
    const server = new s3rver({ address: '127.0.0.1', port: 0, silent: true, directory: folder });
    const port = other === undefined ? (await server.run()).port : 0;
    const url = new URL(other ?? `http://S3RVER:S3RVER@127.0.0.1:${port}`);
    const credentials = { accessKeyId: url.username, secretAccessKey: url.password, sessionToken: undefined };
    const bucket = `hawser-${Date.now()}`;
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
    const { CreateBucketCommand, S3Client } = await import('@aws-sdk/client-s3');
    const client = new S3Client({
      region: 'us-east-1',
      endpoint: url.origin,
      forcePathStyle: true,
      credentials: { accessKeyId: url.username, secretAccessKey: url.password },
    });
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    client.destroy();
    const storage = {
      kind: 's3',
      bucket,
      region: 'us-east-1',
      prefix: 'some/where',
      endpoint: url.origin,
      redirectEndpoint: undefined,
      credentials,
      pathStyle: true,
      accelerate: false,
      dualStack: false,
      fips: false,
      skipVerify: false,
      userAgent: undefined,
      encryption: undefined,
      keyID: undefined,
      storageClass: undefined,
      acl: undefined,
      chunkSize: 5 * MiB,
      copyThreshold: 32 * MiB,
      copyChunkSize: 32 * MiB,
      copyConcurrency: 10,
    } as const;
    return new TestBucket(storage, async () => {
      if (other === undefined) await server.close();
      await rm(folder, { recursive: true, force: true });
    });
  }

  async stop(): Promise<void> {
    await this.#end();
  }
}
