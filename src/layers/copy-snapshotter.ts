import { join } from 'node:path';
import { copyTree } from './copy-tree.ts';
import type { SnapshotBackend } from './folder-snapshotter.ts';
import type { FsOps } from './fs-ops.ts';

/**
 * Snapshots as whole trees, for machines that refuse overlays. Their blocks are shared where the file system can; what a
 * snapshot changed is found by comparing it with its parent's tree.
 */
export function copyBackend(ops: FsOps): SnapshotBackend {
  return {
    kind: 'copy',
    fill(upper, lowers) {
      if (lowers[0] !== undefined) copyTree(ops, Buffer.from(lowers[0]), Buffer.from(upper));
    },
    lowersToCompare: chain => chain.slice(0, 1),
    mount: request => join(request.folder, 'fs'),
  };
}
