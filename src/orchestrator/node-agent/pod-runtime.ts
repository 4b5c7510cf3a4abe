import type { ContainerStateTerminated } from '../../api/pod.ts';

/* What the node agent needs of a container runtime; `engine-pod-runtime.ts` is it over src/runtime, tests have a fake. */

export interface SandboxRequest {
  readonly podUID: string;
  readonly podName: string;
  readonly podNamespace: string;
  readonly hostname: string;
  readonly hostNetwork: boolean;
  readonly hostIPC: boolean;
  readonly ports: readonly {
    readonly hostIP: string;
    readonly hostPort: number;
    readonly containerPort: number;
    readonly protocol: 'tcp' | 'udp';
  }[];
  /** Whole /etc/hosts entries beside the generated ones. */
  readonly hostAliases: readonly { readonly address: string; readonly host: string }[];
  readonly dns?: {
    readonly servers: readonly string[];
    readonly search: readonly string[];
    readonly options: readonly string[];
    /** Beside the node's, instead of in their place. */
    readonly extend: boolean;
  };
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

export interface PodContainerRequest {
  readonly sandboxID: string;
  /** As `ImageInfo.reference`, which `pullImage` or `imageStatus` gave. */
  readonly image: string;
  /** Replaces ENTRYPOINT (and then CMD too), variables expanded. */
  readonly command?: readonly string[];
  /** Replaces CMD. */
  readonly args?: readonly string[];
  /** `NAME=value` */
  readonly env: readonly string[];
  readonly workingDir?: string;
  /** `uid[:gid]`; the image's where left out. */
  readonly user?: string;
  readonly additionalGroups?: readonly number[];
  readonly mounts: readonly {
    readonly source: string;
    readonly target: string;
    readonly readOnly: boolean;
  }[];
  readonly tmpfs: readonly { readonly target: string; readonly size?: number }[];
  readonly resources: { readonly memory?: number; readonly cpus?: number; readonly cpuShares?: number };
  readonly privileged?: boolean;
  readonly readOnlyRootfs?: boolean;
  readonly noNewPrivileges?: boolean;
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  readonly tty: boolean;
  readonly stdin: boolean;
  /** Whose processes it sees: its own, those of the pod's containers, or all. */
  readonly pid: 'container' | 'pod' | 'host';
  readonly labels: Readonly<Record<string, string>>;
}

export type RuntimeState = 'created' | 'running' | 'exited';

export interface RuntimeContainer {
  readonly id: string;
  readonly kind: 'sandbox' | 'container';
  readonly state: RuntimeState;
  readonly labels: Readonly<Record<string, string>>;
  readonly image: string;
  readonly imageID: string;
  /** RFC 3339 */
  readonly createdAt: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly exitCode?: number;
  readonly oomKilled?: boolean;
  /** Why it did not start. */
  readonly error?: string;
  /** Of a sandbox with a network of its own. */
  readonly address?: string;
  /** The runtime has it no more: what the API still knows of its end. */
  readonly lost?: ContainerStateTerminated;
}

export interface ImageInfo {
  /** As the pod names it. */
  readonly reference: string;
  /** Digest of the image config. */
  readonly id: string;
  /** As the image config names it, e.g. `nginx` or `101:101`; empty for root. */
  readonly user?: string;
}

export interface LogRequest {
  readonly follow: boolean;
  readonly tail?: number;
  /** RFC 3339 */
  readonly since?: string;
  readonly timestamps: boolean;
  readonly signal: AbortSignal;
}

export interface PodImages {
  /** Undefined where the image is not in the store. */
  imageStatus(reference: string): Promise<ImageInfo | undefined>;
  pullImage(reference: string, signal: AbortSignal): Promise<ImageInfo>;
}

export interface PodContainers {
  /** Made and started. */
  runSandbox(request: SandboxRequest): Promise<string>;
  createContainer(request: PodContainerRequest): Promise<string>;
  startContainer(id: string): Promise<void>;
  /** Signals, waits up to `grace` seconds, kills; harmless for one that has ended. */
  stopContainer(id: string, options: { readonly grace: number }): Promise<void>;
  /** Sandboxes too; with their network. Harmless for one that is gone. */
  removeContainer(id: string): Promise<void>;
}

export interface PodInspection {
  /** All that carry the label `io.kubernetes.pod.uid`. */
  listContainers(): Promise<readonly RuntimeContainer[]>;
  /** Resolves when a container of ours has ended since the call, or when the signal fires. */
  containerExit(id: string, signal: AbortSignal): Promise<void>;
  logs(id: string, request: LogRequest): AsyncIterable<Uint8Array>;
}

export type PodRuntime = PodImages & PodContainers & PodInspection;
