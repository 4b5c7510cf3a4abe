import { chmodSync, lchownSync, lstatSync, mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HawserError, systemErrorCode } from '../errors/hawser-error.ts';
import type { Digest } from '../image/digest.ts';
import { type FsOps, isMountPoint } from './fs-ops.ts';
import { markUnsynced } from './snapshot-durability.ts';
import { diskUsage, type SnapshotFolders } from './snapshot-folders.ts';
import type {
  ActiveSnapshot,
  PrepareOptions,
  SnapshotCatalog,
  SnapshotChanges,
  SnapshotInfo,
  Snapshotter,
  SnapshotterKind,
  SnapshotUsage,
} from './snapshotter.ts';

/** What one kind of snapshot does differently. */
export interface SnapshotBackend {
  readonly kind: SnapshotterKind;
  /** Fills the new folder `upper` on top of `lowers`, the nearest first. */
  fill(upper: string, lowers: readonly string[]): void;
  /** The folders that `changes` names as lower ones, of the whole chain. */
  lowersToCompare(chain: readonly string[]): readonly string[];
  /** Mounts the tree, or says where it is already. */
  mount(active: MountRequest): string;
}

export interface MountRequest {
  readonly folder: string;
  readonly mountPoint: string;
  readonly lowers: readonly string[];
  /** Outlives this process, and so a crash. */
  readonly lasting: boolean;
}

export interface SnapshotterSeam {
  readonly ops: FsOps;
  readonly folders: SnapshotFolders;
  readonly backend: SnapshotBackend;
}

/** Gives the new root folder what the parent's root has, since an overlay shows the upper one. */
function copyRootMetadata(parentRoot: string, upper: string): void {
  const stat = lstatSync(parentRoot);
  lchownSync(upper, stat.uid, stat.gid);
  chmodSync(upper, stat.mode & 0o7777);
}

interface ActiveOptions {
  readonly key: string;
  readonly parent?: Digest;
  readonly folder: string;
  readonly lasting: boolean;
}

class ActiveFolder implements ActiveSnapshot {
  readonly key: string;
  declare readonly parent?: Digest;
  readonly folder: string;
  readonly upper: string;
  readonly #seam: SnapshotterSeam;
  readonly #lasting: boolean;

  constructor(seam: SnapshotterSeam, options: ActiveOptions) {
    this.key = options.key;
    if (options.parent !== undefined) this.parent = options.parent;
    this.folder = options.folder;
    this.upper = join(options.folder, 'fs');
    this.#seam = seam;
    this.#lasting = options.lasting;
  }

  get changes(): SnapshotChanges {
    const { backend, folders } = this.#seam;
    const lowers = backend.lowersToCompare(folders.chain(this.parent));
    return { kind: backend.kind, upper: this.upper, lowers };
  }

  async mount(): Promise<string> {
    if (this.parent === undefined) return this.upper;
    const mountPoint = this.#seam.folders.mountPoint(this.key);
    if (isMountPoint(mountPoint)) return mountPoint;
    // Of a lasting one the mount point went with the last boot.
    mkdirSync(mountPoint, { recursive: true });
    return this.#seam.backend.mount({
      folder: this.folder,
      mountPoint,
      lowers: this.#seam.folders.chain(this.parent),
      lasting: this.#lasting,
    });
  }

  async unmount(): Promise<void> {
    // Something may be mounted over it several times, or inside of it: a detached mount takes its inside along.
    while (this.#seam.ops.unmount(this.#seam.folders.mountPoint(this.key)));
  }

  async discard(): Promise<void> {
    await this.detach();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Takes the mount and its mount point away. */
  async detach(): Promise<void> {
    await this.unmount();
    try {
      rmdirSync(this.#seam.folders.mountPoint(this.key));
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
    }
  }
}

/** Snapshots in folders; the kinds differ in their backend only. */
export class FolderSnapshotter implements Snapshotter, SnapshotCatalog {
  readonly kind: SnapshotterKind;
  readonly #seam: SnapshotterSeam;
  readonly #folders: SnapshotFolders;

  constructor(seam: SnapshotterSeam) {
    this.kind = seam.backend.kind;
    this.#seam = seam;
    this.#folders = seam.folders;
  }

  async stat(chainID: Digest): Promise<SnapshotInfo | undefined> {
    return this.#folders.info(chainID);
  }

  async prepare(
    key: string,
    parent: Digest | undefined,
    options: PrepareOptions = {},
  ): Promise<ActiveSnapshot> {
    if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/.test(key)) {
      throw new HawserError('INVALID_ARGUMENT', `${JSON.stringify(key)} is no key of a snapshot`);
    }
    // Until the record names the parent, nobody may remove it.
    const lock = await this.#folders.lock({ shared: true });
    let active: ActiveFolder;
    let lowers: readonly string[];
    try {
      lowers = this.#folders.chain(parent);
      const folder = this.#folders.claim({ key, ...(parent && { parent }), ...options });
      active = new ActiveFolder(this.#seam, {
        key,
        ...(parent && { parent }),
        folder,
        lasting: options.owner !== undefined,
      });
    } finally {
      await lock.release();
    }
    try {
      mkdirSync(active.upper, 0o755);
      chmodSync(active.upper, 0o755);
      if (lowers[0] !== undefined) copyRootMetadata(lowers[0], active.upper);
      this.#seam.backend.fill(active.upper, lowers);
    } catch (error) {
      await active.discard();
      throw error;
    }
    return active;
  }

  async commit(
    active: ActiveSnapshot,
    chainID: Digest,
    options: { readonly size?: number } = {},
  ): Promise<void> {
    if (!(active instanceof ActiveFolder)) {
      throw new HawserError('INTERNAL', `snapshot ${active.key} is of another snapshotter`);
    }
    await active.detach();
    rmSync(join(active.folder, 'work'), { recursive: true, force: true });
    markUnsynced(this.#folders, chainID);
    let published: boolean;
    // Between its record and its name nothing else says that it stands on its parent.
    const lock = await this.#folders.lock({ shared: true });
    try {
      rmSync(join(active.folder, 'record.json'), { force: true });
      published = this.#folders.publish(active.folder, {
        chainID,
        ...(active.parent && { parent: active.parent }),
        ...(options.size !== undefined && { size: options.size }),
        created: new Date().toISOString(),
      });
    } finally {
      await lock.release();
    }
    if (!published) await active.discard();
  }

  async find(key: string): Promise<ActiveSnapshot | undefined> {
    const kept = this.#folders.kept(key);
    if (kept === undefined) return undefined;
    const { parent } = kept.record;
    return new ActiveFolder(this.#seam, {
      key,
      ...(parent && { parent }),
      folder: kept.folder,
      lasting: true,
    });
  }

  async list(): Promise<readonly SnapshotUsage[]> {
    const active = this.#folders.activeRecords(); // first: one that is committed meanwhile shows up twice, not never
    const infos = this.#folders.committed();
    const users = new Map<Digest, number>();
    for (const { parent } of [...active, ...infos]) {
      if (parent !== undefined) users.set(parent, (users.get(parent) ?? 0) + 1);
    }
    return infos.map(info => ({
      ...info,
      size: info.size ?? diskUsage(join(this.#folders.committedPath(info.chainID), 'fs')),
      users: users.get(info.chainID) ?? 0,
    }));
  }

  async remove(chainID: Digest): Promise<boolean> {
    const lock = await this.#folders.lock({ shared: false });
    let trash: string | undefined;
    try {
      const active = this.#folders.activeRecords().find(record => record.parent === chainID);
      const child = this.#folders.committed().find(info => info.parent === chainID);
      if (active !== undefined || child !== undefined) {
        const user = active === undefined ? `snapshot ${child?.chainID}` : (active.owner ?? active.key);
        throw new HawserError('CONFLICT', `snapshot ${chainID} is in use by ${user}`);
      }
      trash = this.#folders.takeCommitted(chainID);
    } finally {
      await lock.release();
    }
    if (trash === undefined) return false;
    // Long, and nobody has to wait for it.
    await rm(trash, { recursive: true, force: true });
    return true;
  }
}
