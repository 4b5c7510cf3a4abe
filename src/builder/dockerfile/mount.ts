import type { Word } from './source.ts';

/** A `--mount` as written; `resolveMount` gives the mount once variables have values. */
export interface MountFlag {
  readonly word: Word;
}

/** RUN --mount, with BuildKit's defaults applied; https://docs.docker.com/reference/dockerfile/#run---mount */
export type Mount = BindMount | CacheMount | TmpfsMount | SecretMount | SshMount;

export interface BindMount {
  readonly type: 'bind';
  /** May be relative to WORKDIR; empty for WORKDIR itself. */
  readonly target: string;
  readonly source: string;
  /** A stage or an image; the build context when undefined. */
  readonly from?: string;
  /** Writes to a bind mount that is not read-only are discarded. */
  readonly readonly: boolean;
}

export interface CacheMount {
  readonly type: 'cache';
  readonly target: string;
  /** Undefined: the cleaned target. */
  readonly id?: string;
  readonly source: string;
  readonly from?: string;
  readonly sharing: 'shared' | 'private' | 'locked';
  readonly readonly: boolean;
  /** Of the folder of a new cache, where any of the three was given. */
  readonly owner?: { readonly mode: number; readonly uid: number; readonly gid: number };
}

export interface TmpfsMount {
  readonly type: 'tmpfs';
  readonly target: string;
  /** Bytes; undefined for no limit. */
  readonly size?: number;
  readonly readonly: boolean;
}

export interface SecretMount {
  readonly type: 'secret';
  readonly id: string;
  /** Undefined when only `env` is asked for. */
  readonly target?: string;
  /** The variable that gets the secret. */
  readonly env?: string;
  readonly required: boolean;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface SshMount {
  readonly type: 'ssh';
  readonly id: string;
  /** Undefined: `/run/buildkit/ssh_agent.N`. */
  readonly target?: string;
  readonly required: boolean;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}
