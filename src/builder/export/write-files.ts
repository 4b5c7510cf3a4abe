import { resolve } from 'node:path';
import { formatPlatform } from '../../image/platform.ts';
import { writeTar } from '../../tar/writer.ts';
import type { Workspace } from '../execute/workspace.ts';
import type { FilesOutput } from './output.ts';
import type { PlatformImage } from './platform-image.ts';
import { writeStream } from './write-stream.ts';

interface FilesWork {
  readonly workspace: Workspace;
  readonly images: readonly PlatformImage[];
  readonly signal: AbortSignal;
}

/** `type=local` and `type=tar`: of several platforms each has a folder, unless that is not wanted. */
export async function writeFiles(output: FilesOutput, work: FilesWork): Promise<void> {
  const { workspace, images, signal } = work;
  const isSplit = images.length > 1 && output.platformSplit !== false;
  const trees: { readonly root: string; readonly folder: string | undefined }[] = [];
  for (const { state, platform } of images) {
    const folder = isSplit ? formatPlatform(platform).replaceAll('/', '_') : undefined;
    trees.push({ root: await workspace.view(state), folder });
  }
  if (output.type === 'local') {
    const { copyRootfs } = await import('./copy-rootfs.ts');
    for (const { root, folder } of trees)
      copyRootfs(root, resolve(output.dest, folder ?? ''), workspace.epoch);
    return;
  }
  const { rootfsItems } = await import('./rootfs-archive.ts');
  function* items() {
    for (const { root, folder } of trees)
      yield* rootfsItems(root, { epoch: workspace.epoch, signal, folder });
  }
  await writeStream(writeTar(items()), output.dest, signal);
}
