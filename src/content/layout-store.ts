import { join } from 'node:path';
import { LayoutBlobs } from './layout-blobs.ts';
import { LayoutLeases } from './layout-leases.ts';
import { ensureLayout, LayoutNames, type LayoutNamesOptions } from './layout-names.ts';
import type { LayoutStore, Leases, ReferenceStore } from './store.ts';
import { unknownBlob } from './verify.ts';

export interface LayoutStoreOptions {
  /**
   * Where leases, locks and temporary files go, so that the layout holds nothing but an OCI image layout: a folder on
   * the same file system. Default: `<root>-state`.
   */
  readonly state?: string;
}

class LayoutContentStore extends LayoutBlobs implements LayoutStore {
  readonly references: ReferenceStore;
  readonly leases: Leases;

  constructor(root: string, options: { ingest: string; references: LayoutNames; leases: LayoutLeases }) {
    super(root, options.ingest);
    this.references = options.references;
    this.leases = options.leases;
  }
}

/**
 * The image store: the OCI image layout at `root` (image-spec 1.1 image-layout.md), made where there is none. skopeo and
 * umoci read it as `oci:<root>:<name>`, the name being the full reference, e.g. `docker.io/library/app:latest`.
 *
 * @throws HawserError STORE_CORRUPT where the folder is a layout of another version
 */
export async function openLayoutStore(root: string, options: LayoutStoreOptions = {}): Promise<LayoutStore> {
  const state = options.state ?? `${root}-state`;
  const ingest = join(state, 'ingest');
  const leases = new LayoutLeases(join(state, 'leases'), join(state, 'locks', 'content.lock'));
  const blobs = new LayoutBlobs(root, ingest);
  const names: LayoutNamesOptions = {
    indexPath: join(root, 'index.json'),
    lockPath: join(state, 'locks', 'names.lock'),
    temporaryPath: () => blobs.temporaryPath(),
    checkContent: async digest => {
      if ((await blobs.stat(digest)) === undefined) throw unknownBlob(digest);
    },
    besideCollectors: work => leases.beside(work),
  };
  await ensureLayout(root, names);
  return new LayoutContentStore(root, { ingest, references: new LayoutNames(names), leases });
}
