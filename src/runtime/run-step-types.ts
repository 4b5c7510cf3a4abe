import type { StepLimits } from './resource-limits.ts';

/** How a build step is kept apart from the machine; `auto` is `oci` where an OCI runtime works, else `chroot`. */
export type RunIsolation = 'auto' | 'oci' | 'chroot';

interface MountPoint {
  /** Absolute path in the rootfs; links on the way are resolved inside it. Made where it is missing, and gone after. */
  readonly target: string;
}

export interface BindRunMount extends MountPoint {
  readonly type: 'bind';
  /** Absolute path on the host, a folder, a file or a socket; the caller vouches for it. */
  readonly source: string;
  readonly readOnly?: boolean;
}

export interface TmpfsRunMount extends MountPoint {
  readonly type: 'tmpfs';
  readonly readOnly?: boolean;
  /** Bytes. */
  readonly size?: number;
}

/** A file that is there while the step runs, read-only: a secret, or the script of a here-document. It lies below HAWSER_RUN. */
export interface FileRunMount extends MountPoint {
  readonly type: 'file';
  readonly content: Uint8Array;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export type RunMount = BindRunMount | TmpfsRunMount | FileRunMount;

export interface RunStepOptions {
  /** The mounted tree, to read and write. */
  readonly rootfs: string;
  /** At least one; without a slash the first is looked up in the PATH of `env`. */
  readonly args: readonly string[];
  /** `NAME=value`; HOME is added from passwd where it is missing. */
  readonly env: readonly string[];
  /** Absolute; made by the caller (WORKDIR does). */
  readonly cwd: string;
  /** USER: `name|uid[:group|gid]`, looked up in the rootfs; default root. */
  readonly user?: string;
  /** Mounted by path, so that one may lie in another. */
  readonly mounts?: readonly RunMount[];
  /** All that the host may do: its capabilities and devices, no seccomp (`--security=insecure`). */
  readonly privileged?: boolean;
  /** `default` is `host`, docs/decisions/0010-network-of-builds.md. */
  readonly network?: 'host' | 'none' | 'default';
  /** Default `buildkitsandbox`, as BuildKit names it. */
  readonly hostname?: string;
  readonly extraHosts?: readonly HostEntry[];
  readonly limits?: StepLimits;
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;
  /** It has hawser's own terminal; nothing goes to `onOutput`. */
  readonly terminal?: boolean;
  /** Kills every process of the step. */
  readonly signal?: AbortSignal | undefined;
  /** Default `auto`. */
  readonly isolation?: RunIsolation;
  /** HAWSER_RUN: bundles of steps lie below it. */
  readonly run: string;
}

export interface HostEntry {
  readonly host: string;
  readonly address: string;
}

export interface RunStepResult {
  /** 128 + n after signal n; 127 not found and 126 not executable where the runtime itself could not start it. */
  readonly exitCode: number;
}

/**
 * `runStep` of run-step.ts. Nothing of the mounts stays in the rootfs: stubs are removed and times of their folders
 * restored.
 *
 * @throws HawserError INVALID_ARGUMENT (unknown user), PERMISSION_DENIED and UNSUPPORTED (limits), ABORTED, RUNTIME_FAILED, COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE
 */
export type RunStep = (options: RunStepOptions) => Promise<RunStepResult>;
