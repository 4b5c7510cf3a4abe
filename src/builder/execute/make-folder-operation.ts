import { byteString } from '../../util/byte-string.ts';
import { cacheKeyOf } from '../cache/key.ts';
import { makeFolders } from './copy/make-folders.ts';
import type { Operation } from './operation.ts';
import { lookUpOwner } from './owner.ts';

export interface MakeFolder {
  /** Absolute. */
  readonly path: string;
  /** `user[:group]` as USER has it; root where it is empty or unknown. */
  readonly user: string;
  /** Seconds since 1970. */
  readonly epoch?: number | undefined;
}

/** WORKDIR: the folder and its missing parents, 0755, owned by the USER of that line. */
export function makeFolderOperation(definition: MakeFolder): Operation {
  const { path, user, epoch } = definition;
  return {
    cacheKey: async ([parent]) => cacheKeyOf('make-folder', [parent?.chainID, path, user, epoch]),
    execute: ([parent = { layers: [], chainID: undefined }], { workspace }) =>
      workspace.change(parent, async root => {
        const owner = lookUpOwner(root, user) ?? { uid: 0, gid: 0 };
        makeFolders(byteString(root), byteString(path), {
          owner,
          mode: 0o755,
          mtime: epoch === undefined ? undefined : epoch * 1000,
        });
      }),
  };
}
