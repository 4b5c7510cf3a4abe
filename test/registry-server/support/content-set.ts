import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { type Digest, type DigestAlgorithm, digestOf } from '../../../src/image/digest.ts';
import { mediaTypes } from '../../../src/image/media-types.ts';

export interface TestDescriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ImageSettings {
  readonly layers?: number;
  readonly layerType?: string;
  readonly configType?: string;
  readonly config?: object;
  /** Fields of the manifest beside those of an image. */
  readonly fields?: object;
  /** Leaves the layers out of the set. */
  readonly sparse?: boolean;
  /** Puts the content of the config into its descriptor. */
  readonly data?: boolean;
}

interface ManifestBase {
  readonly schemaVersion: 2;
  readonly mediaType: string;
  readonly config?: TestDescriptor;
  readonly layers?: readonly TestDescriptor[];
  readonly manifests?: readonly TestDescriptor[];
}

/** What a check pushes, in the order in which it may be pushed, and what it must find then. */
export class ContentSet {
  readonly algorithm: DigestAlgorithm;
  readonly blobs = new Map<Digest, Buffer>();
  readonly manifests = new Map<Digest, { readonly body: string; readonly mediaType: string }>();
  readonly tags = new Map<string, Digest>();
  /** By the digest of the subject. */
  readonly referrers = new Map<Digest, TestDescriptor[]>();

  constructor(algorithm: DigestAlgorithm = 'sha256') {
    this.algorithm = algorithm;
  }

  blob(content: Buffer | string, mediaType: string, keep = true): TestDescriptor {
    const bytes = Buffer.from(content);
    const digest = digestOf(bytes, this.algorithm);
    if (keep) this.blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  image(settings: ImageSettings = {}): TestDescriptor {
    const { layerType = mediaTypes.ociLayerGzip, configType = mediaTypes.ociConfig } = settings;
    const layers = Array.from({ length: settings.layers ?? 2 }, () => {
      const bytes = randomBytes(2048);
      const isForeign = layerType.includes('nondistributable');
      const content = layerType.endsWith('gzip') ? gzipSync(bytes) : bytes;
      return this.blob(content, layerType, !isForeign && settings.sparse !== true);
    });
    const content = settings.config ?? { os: 'linux', architecture: 'amd64', salt: randomBytes(8) };
    const config = this.blob(JSON.stringify(content), configType);
    const data = settings.data === true ? { data: this.blobs.get(config.digest)?.toString('base64') } : {};
    return this.manifest(
      { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: { ...config, ...data }, layers },
      settings.fields,
    );
  }

  index(manifests: readonly TestDescriptor[], fields: object = {}): TestDescriptor {
    return this.manifest({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }, fields);
  }

  manifest(base: ManifestBase, fields: object = {}): TestDescriptor {
    const value = { ...base, ...fields } as typeof base & {
      readonly artifactType?: string;
      readonly annotations?: Record<string, string>;
      readonly subject?: TestDescriptor;
    };
    const body = JSON.stringify(value);
    const digest = digestOf(body, this.algorithm);
    this.manifests.set(digest, { body, mediaType: base.mediaType });
    const descriptor = { mediaType: base.mediaType, digest, size: body.length };
    const { subject, annotations } = value;
    if (subject !== undefined) {
      const artifactType = value.artifactType ?? base.config?.mediaType;
      const entry = {
        ...descriptor,
        ...(artifactType === undefined ? {} : { artifactType }),
        ...(annotations === undefined ? {} : { annotations }),
      };
      this.referrers.set(subject.digest, [...(this.referrers.get(subject.digest) ?? []), entry]);
    }
    return descriptor;
  }

  tag(tag: string, { digest }: TestDescriptor): void {
    this.tags.set(tag, digest);
  }
}
