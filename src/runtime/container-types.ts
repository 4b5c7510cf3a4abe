import type { ImageConfig } from '../image/config.ts';
import type { Digest } from '../image/digest.ts';
import type { ProcessIdentity } from '../util/process-identity.ts';

export interface PortMapping {
  /** Empty: every address of the host. */
  readonly hostIP: string;
  /** 0 until the start gives it a free one. */
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp';
}

export type ContainerMount =
  /** `source` absolute; `-v` makes a missing folder, `--mount` refuses it (`mustExist`). */
  | {
      readonly type: 'bind';
      readonly source: string;
      readonly target: string;
      readonly readOnly?: boolean;
      readonly mustExist?: boolean;
    }
  /** Without a name: anonymous, gone with the container (`--rm`, `rm -v`). */
  | { readonly type: 'volume'; readonly name?: string; readonly target: string; readonly readOnly?: boolean }
  | {
      readonly type: 'tmpfs';
      readonly target: string;
      /** Bytes. */
      readonly size?: number;
      /** Permission bits, default 0o1777. */
      readonly mode?: number;
      readonly readOnly?: boolean;
    };

export type NetworkMode =
  | { readonly kind: 'bridge' }
  | { readonly kind: 'host' }
  | { readonly kind: 'none' }
  /** Joins the network namespace (and hosts files) of another container of this engine, by id. */
  | { readonly kind: 'container'; readonly id: string };

/** Namespaces of another container that this one joins, by its id: a pod's sandbox. */
export interface JoinedNamespaces {
  readonly id: string;
  /** net, ipc and uts are always joined. */
  readonly pid?: boolean;
}

export interface ContainerResources {
  /** Bytes. */
  readonly memory?: number;
  /** CPUs, e.g. 0.5. */
  readonly cpus?: number;
  /** Relative weight, 1024 is one. */
  readonly cpuShares?: number;
  readonly pids?: number;
}

/** What a container is made from; the caller has pulled and unpacked the image. */
export interface ContainerImage {
  /** As the user named it. */
  readonly name: string;
  /** Digest of the image config. */
  readonly id: Digest;
  readonly config: ImageConfig;
  /** The unpacked snapshot; undefined for an image without layers. */
  readonly chainID: Digest | undefined;
}

/** `--restart`: when a container that ended is started again. */
export interface RestartPolicy {
  readonly name: 'always' | 'unless-stopped' | 'on-failure';
  /** Of `on-failure`: how often; left out for always. */
  readonly maximum?: number;
}

export interface ContainerRequest {
  readonly image: ContainerImage;
  /** `[a-zA-Z0-9][a-zA-Z0-9_.-]+`; one is made up where it is left out. */
  readonly name?: string;
  /** Replaces CMD. */
  readonly args?: readonly string[];
  /** Replaces ENTRYPOINT and drops CMD; `[]` clears it. */
  readonly entrypoint?: readonly string[];
  /** `NAME=value`, over the image's. */
  readonly env?: readonly string[];
  readonly user?: string;
  /** Numeric ids that are added, as Kubernetes' supplementalGroups and fsGroup. */
  readonly additionalGroups?: readonly number[];
  readonly workingDir?: string;
  readonly hostname?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly tty?: boolean;
  /** Keep stdin open (`-i`). */
  readonly stdin?: boolean;
  /** Left out for never. */
  readonly restart?: RestartPolicy;
  /** `--rm` */
  readonly autoRemove?: boolean;
  /** Default bridge. Ignored where `namespaces` is given. */
  readonly network?: NetworkMode;
  readonly namespaces?: JoinedNamespaces;
  readonly pid?: 'private' | 'host';
  /** Of a sandbox: `host` shares the host's /dev/shm, too. */
  readonly ipc?: 'private' | 'host';
  readonly ports?: readonly PortMapping[];
  readonly mounts?: readonly ContainerMount[];
  readonly extraHosts?: readonly { readonly host: string; readonly address: string }[];
  readonly dns?: DnsOptions;
  /** Whole /etc/hosts, instead of the generated one; the node agent writes its own. */
  readonly hostsFile?: string;
  readonly resources?: ContainerResources;
  readonly readOnlyRootfs?: boolean;
  readonly privileged?: boolean;
  readonly noNewPrivileges?: boolean;
  /** Without the prefix `CAP_`; `ALL` for all. */
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Overrides the image's, e.g. `SIGTERM` or `15`. */
  readonly stopSignal?: string;
  /** Seconds, default 10. */
  readonly stopTimeout?: number;
  /** Absolute cgroup path, e.g. `/hawser/pod-UID`; default `/hawser`. */
  readonly cgroupParent?: string;
  /** Instead of `containers/<id>/ctr.log`, e.g. /var/log/pods/…/0.log. */
  readonly logPath?: string;
}

export interface DnsOptions {
  readonly servers?: readonly string[];
  readonly search?: readonly string[];
  readonly options?: readonly string[];
  /** Beside the host's, instead of in their place. */
  readonly extend?: boolean;
}

export type ContainerStatus = 'created' | 'running' | 'exited' | 'dead';

/** Computed from what is true now (processes, exit files), never from what was written. */
export interface ContainerState {
  readonly status: ContainerStatus;
  /** Of the container's first process, while it runs. */
  readonly pid?: number;
  readonly exitCode?: number;
  /** The signal that ended it, where the exit code says so (128 + n). */
  readonly oomKilled?: boolean;
  /** RFC 3339 */
  readonly startedAt?: string;
  readonly finishedAt?: string;
  /** Why it did not start. */
  readonly error?: string;
}

/** `container.json`: written by create and never changed but by a rename, except for `ports` that a start fills in. */
export interface ContainerRecord {
  readonly version: 1;
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly kind: 'container' | 'sandbox';
  /** RFC 3339 */
  readonly created: string;
  readonly image: { readonly name: string; readonly id: string };
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly request: Omit<ContainerRequest, 'image'>;
  /** Of the image: user, working folder, stop signal and volumes, as they apply to this container. */
  readonly user: string;
  readonly workingDir: string;
  readonly stopSignal: number;
  readonly hostname: string;
  /** With the names of anonymous volumes filled in. */
  readonly mounts: readonly ContainerMount[];
}

/** `$HAWSER_RUN/containers/<id>/started.json`: one start, gone with a reboot. */
export interface ContainerStart {
  /** RFC 3339 */
  readonly startedAt: string;
  readonly process: ProcessIdentity;
  readonly conmon?: ProcessIdentity;
  readonly network?: ContainerNetwork;
  /** With the host ports that were chosen. */
  readonly ports: readonly PortMapping[];
}

export interface ContainerNetwork {
  readonly interface: string;
  /** e.g. `10.89.0.7` */
  readonly address: string;
  readonly prefixLength: number;
  readonly gateway: string;
  readonly mac: string;
}

export interface Container {
  readonly record: ContainerRecord;
  readonly state: ContainerState;
  readonly start?: ContainerStart;
}
