import type { KeyPart } from '../../cache/key.ts';
import type { BindMount, CacheMount, SecretMount, SshMount, TmpfsMount } from '../../dockerfile/mount.ts';
import type { BuildContextFiles } from '../context.ts';

/** What a mount shows: a folder such as the build context, or the files of an input of the step, by its number. */
export type MountTree =
  | { readonly name: string; readonly context: BuildContextFiles }
  | { readonly name: string; readonly input: number };

export type BindStepMount = Omit<BindMount, 'from'> & { readonly tree: MountTree };

export type CacheStepMount = Omit<CacheMount, 'from' | 'id'> & {
  readonly id: string;
  /** What it begins with; nothing when left out. */
  readonly tree?: MountTree;
};

/** A `--mount` of a RUN with everything resolved; targets are absolute. */
export type StepMount =
  | BindStepMount
  | CacheStepMount
  | TmpfsMount
  | SecretMount
  | (SshMount & { readonly target: string });

/**
 * What of a mount counts for the step's key, beside the files that it shows: neither the name nor the content of a cache,
 * and of secrets and agents only that they are asked for.
 */
export function mountKey(mount: StepMount): KeyPart {
  switch (mount.type) {
    case 'bind':
      return ['bind', mount.target, mount.readonly];
    case 'cache':
      return ['cache', mount.target, mount.readonly, mount.source];
    case 'tmpfs':
      return ['tmpfs', mount.target, mount.readonly, mount.size];
    case 'secret':
      return ['secret', mount.id, mount.target, mount.env, mount.mode, mount.uid, mount.gid];
    case 'ssh':
      return ['ssh', mount.id, mount.target, mount.mode, mount.uid, mount.gid];
  }
}

/** The tree that a mount shows, if any. */
export function treeOf(mount: StepMount): MountTree | undefined {
  return mount.type === 'bind' || mount.type === 'cache' ? mount.tree : undefined;
}
