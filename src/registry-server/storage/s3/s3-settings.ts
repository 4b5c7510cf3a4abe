/** A bucket and how its objects are written: registry:2's storage.s3. */
export interface S3Settings {
  readonly bucket: string;
  readonly region: string;
  /** In front of every key, without slashes at its ends; may be empty. */
  readonly prefix: string;
  /** Another server than Amazon's, with its scheme. */
  readonly endpoint: string | undefined;
  /** The server that clients are sent to, where it has another name for them. */
  readonly redirectEndpoint: string | undefined;
  /** Left out, they are found as Amazon's tools find them: variables, files, the machine's role. */
  readonly credentials:
    | {
        readonly accessKeyId: string;
        readonly secretAccessKey: string;
        readonly sessionToken: string | undefined;
      }
    | undefined;
  /** Whether the bucket stands in the path of URLs, not in the host. */
  readonly pathStyle: boolean;
  readonly accelerate: boolean;
  readonly dualStack: boolean;
  readonly fips: boolean;
  /** Whether the server's certificate counts for nothing. */
  readonly skipVerify: boolean;
  readonly userAgent: string | undefined;
  readonly encryption: 'AES256' | 'aws:kms' | undefined;
  readonly keyID: string | undefined;
  readonly storageClass: string | undefined;
  readonly acl: string | undefined;
  /** Bytes of an upload that are held in memory, and sent at once. */
  readonly chunkSize: number;
  /** From how many bytes on content is copied in parts, how large these are, and how many run at once. */
  readonly copyThreshold: number;
  readonly copyChunkSize: number;
  readonly copyConcurrency: number;
}
