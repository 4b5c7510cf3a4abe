import type { StoredImage } from '../content/resolve-image.ts';
import type { LayoutStore, Lease } from '../content/store.ts';
import type { Descriptor } from '../image/descriptor.ts';
import type { Platform } from '../image/platform.ts';
import type { Snapshotter } from '../layers/snapshotter.ts';
import type { StepLimits } from '../runtime/resource-limits.ts';
import type { RunIsolation, RunStep } from '../runtime/run-step-types.ts';
import type { AttestRequest } from './attest/predicates.ts';
import type { CacheSource } from './cache/cache-source.ts';
import type { CacheTarget, OpenUploads, PushCache } from './cache/export-cache.ts';
import type { SecretSource } from './execute/mounts/secrets.ts';
import type { SshSource } from './execute/mounts/ssh-forward.ts';
import type { DebugShell } from './execute/run-operation.ts';
import type { PushImage } from './export/export-image.ts';
import type { Annotation, BuildOutput } from './export/output.ts';
import type { BuildObserver } from './observer.ts';

/** Where base images come from that the local store lacks; the command wires a registry client in. */
export interface ImageSource {
  /**
   * Manifest and config of the image go into the store; its layers may, or `fetchLayers` brings them later.
   *
   * @param reference Full text, with a tag or digest.
   * @throws HawserError, whatever the registry says
   */
  resolve(reference: string, options: SourceOptions): Promise<StoredImage>;
  /** Brings the layers of a resolved image into the store, when a step reads its files or the image goes out. */
  fetchLayers?(
    reference: string,
    image: StoredImage,
    options: SourceOptions & {
      readonly onProgress: (progress: { readonly done: number; readonly total: number }) => void;
    },
  ): Promise<void>;
}

interface SourceOptions {
  readonly platform: Platform;
  /** Keeps what arrives. */
  readonly lease: Lease;
  readonly signal: AbortSignal;
}

/** What a build works with. What costs time to load comes by functions, and a build that is all cached asks for none. */
export interface BuildEnvironment {
  readonly store: LayoutStore;
  /** `$HAWSER_ROOT/build-cache` */
  readonly cacheRoot: string;
  /** `$HAWSER_RUN` */
  readonly run: string;
  /** Ends and removes what killed builds left of steps and snapshots. */
  readonly sweepLeft?: () => Promise<void>;
  readonly openSnapshotter: () => Promise<Snapshotter>;
  readonly loadRunStep: () => Promise<RunStep>;
  /** Without it, only local images can be built upon. */
  readonly images?: ImageSource;
  /** For `--cache-to type=registry`. */
  readonly pushCache?: PushCache;
  /** For layers that go up while later steps run. */
  readonly openUploads?: OpenUploads;
  readonly debugShell?: DebugShell | undefined;
  /** For outputs that push. */
  readonly pushImage?: PushImage;
  readonly observer?: BuildObserver;
  readonly signal?: AbortSignal | undefined;
  /** Default `auto`. */
  readonly isolation?: RunIsolation;
}

export interface BuildOptions {
  /** What to build from: a folder, `-` for a Dockerfile or an archive on stdin, a git repository, or a URL. */
  readonly context: string;
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Path of the Dockerfile, or a URL; default `Dockerfile` in the context. Inside the context where that is no folder. */
  readonly file?: string;
  /** The Dockerfile itself, where it comes from elsewhere (`-f -`); `file` is its name in messages then. */
  readonly dockerfile?: Uint8Array;
  /** `--build-context`: what names in FROM and `--from` stand for, as the user writes it. */
  readonly contexts?: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Names of the image, as the user writes them. */
  readonly tags?: readonly string[];
  /** The host's where it is left out; of several comes an index. */
  readonly platforms?: readonly Platform[];
  readonly noCache?: boolean;
  /** Names or numbers of stages whose steps run although the cache has them. */
  readonly noCacheFilter?: readonly string[];
  /** `--cache-from`: asked, in this order, for steps that the local cache lacks. */
  readonly cacheFrom?: readonly CacheSource[];
  readonly cacheTo?: readonly CacheTarget[];
  /** Looks base images up at their registry although they are here. */
  readonly pull?: boolean;
  readonly network?: 'host' | 'none' | 'default';
  readonly extraHosts?: readonly { readonly host: string; readonly address: string }[];
  /** What RUN steps may use at most. */
  readonly limits?: StepLimits;
  /** What `RUN --mount=type=secret` finds. */
  readonly secrets?: readonly SecretSource[];
  /** What `RUN --mount=type=ssh` finds. */
  readonly agents?: readonly SshSource[];
  /** Rights that RUN may ask for: `security.insecure`. */
  readonly allow?: readonly string[];
  /** Where the result goes; none: into the local store. */
  readonly outputs?: readonly BuildOutput[];
  /** What is said of every image that goes out, in statements that refer to it. */
  readonly attest?: AttestRequest;
  /** Of every image that goes out. */
  readonly annotations?: readonly Annotation[];
  /** Makes one layer of all that the build adds to its base image. */
  readonly squash?: boolean;
  /** SOURCE_DATE_EPOCH, in seconds since 1970; or that of the commit, or the download, that is built from. */
  readonly sourceDateEpoch?: number | 'context';
  /** Steps that run at once; default processors + 1, at least 4. */
  readonly jobs?: number;
  /** Written with the image's id. */
  readonly iidfile?: string;
  /** Written with what came out, as JSON with buildx's keys. */
  readonly metadataFile?: string;
}

export interface BuildResult {
  /** The manifest or the index, as names stand for it. */
  readonly descriptor: Descriptor;
  /** Docker's image id: the digest of the config; of an index its own. */
  readonly imageID: string;
  /** Full references that it got. */
  readonly names: readonly string[];
}
