import type { Stats } from 'node:fs';
import { chmod, chown, mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Pod, Volume } from '../../api/pod.ts';
import { parseQuantity } from '../../api/quantity.ts';
import { HawserError, systemErrorCode } from '../../errors/hawser-error.ts';
import { fsOps, mountFlags } from '../../layers/fs-ops.ts';

/*
 *   $HAWSER_ROOT/cluster/pods/<uid>/volumes/<name>               an emptyDir; a tmpfs is mounted on it for `medium: Memory`
 *                                   subpaths/<container>/<index>  bind mounts of subPaths
 */

/** Whether a text can be the uid of a pod, and so the name of its folder. */
export function isPodUID(text: string): boolean {
  return /^[a-zA-Z0-9][a-zA-Z0-9-]*$/.test(text);
}

/** @throws HawserError INVALID_ARGUMENT for a uid that would lead elsewhere */
export function podFolder(root: string, uid: string): string {
  if (!isPodUID(uid)) throw new HawserError('INVALID_ARGUMENT', `${JSON.stringify(uid)} is no uid of a pod`);
  return join(root, 'cluster', 'pods', uid);
}

async function realPathOf(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Mount points inside a folder, the deepest first. */
async function mountPointsIn(folder: string): Promise<readonly string[]> {
  // The kernel tells them without the links that may lead to them.
  const real = await realPathOf(folder);
  if (real === undefined) return [];
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  const points = lines.map(line => {
    const escaped = line.split(' ')[4] ?? '';
    return escaped.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
  });
  return points.filter(point => point.startsWith(`${real}/`)).sort((a, b) => b.length - a.length);
}

/** Makes a folder that every user may write to. Its mode is a container's to change from then on. */
async function sharedFolder(folder: string, group: number | undefined): Promise<void> {
  if ((await statOf(folder)) !== undefined) return;
  // Not under its name before it is whole, whenever we are killed. The names of volumes have no dot.
  const unready = join(dirname(folder), `.${basename(folder)}`);
  await mkdir(unready, { recursive: true });
  if (group !== undefined) await chown(unready, 0, group);
  // mkdir's mode is cut by the umask.
  await chmod(unready, group === undefined ? 0o777 : 0o2777);
  await rename(unready, folder);
}

interface EmptyDirOptions {
  readonly volume: NonNullable<Volume['emptyDir']>;
  /** fsGroup: what is written belongs to it. */
  readonly group: number | undefined;
}

async function emptyDir(folder: string, { volume, group }: EmptyDirOptions): Promise<string> {
  await sharedFolder(folder, group);
  if (volume.medium !== 'Memory') return folder;
  const real = await realpath(folder);
  if ((await mountPointsIn(dirname(folder))).includes(real)) return folder;
  const size = volume.sizeLimit === undefined ? '' : `,size=${Math.ceil(parseQuantity(volume.sizeLimit))}`;
  const mode = group === undefined ? 'mode=0777' : `mode=2777,gid=${group}`;
  fsOps.mount('tmpfs', folder, {
    type: 'tmpfs',
    flags: mountFlags.noSuid | mountFlags.noDev,
    data: `${mode}${size}`,
  });
  return folder;
}

const typeChecks: Readonly<Record<string, (found: Stats) => boolean>> = {
  DirectoryOrCreate: found => found.isDirectory(),
  Directory: found => found.isDirectory(),
  FileOrCreate: found => found.isFile(),
  File: found => found.isFile(),
  Socket: found => found.isSocket(),
  CharDevice: found => found.isCharacterDevice(),
  BlockDevice: found => found.isBlockDevice(),
};

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function hostPath({ path, type = '' }: NonNullable<Volume['hostPath']>): Promise<string> {
  if (type === '') return path;
  const check = Object.hasOwn(typeChecks, type) ? typeChecks[type] : undefined;
  if (check === undefined)
    throw new HawserError('OBJECT_INVALID', `hostPath type ${JSON.stringify(type)} is unknown`);
  let found = await statOf(path);
  if (found === undefined && type === 'DirectoryOrCreate')
    await mkdir(path, { recursive: true, mode: 0o755 });
  if (found === undefined && type === 'FileOrCreate') await writeFile(path, '', { flag: 'wx', mode: 0o644 });
  found ??= await statOf(path);
  if (found === undefined || !check(found)) {
    throw new HawserError('CONFLICT', `hostPath type check failed: ${path} is not a ${type}`, {
      remedy: 'Make it on the node, or name another type.',
    });
  }
  return path;
}

/**
 * The path on the host that stands for a volume, made where it is ours to make.
 *
 * @throws HawserError CONFLICT (hostPath of another type), UNSUPPORTED, OBJECT_INVALID
 */
export async function prepareVolume(root: string, { metadata, spec }: Pod, volume: Volume): Promise<string> {
  if (volume.hostPath !== undefined) return hostPath(volume.hostPath);
  const { name: _, ...sources } = volume;
  const [kind] = Object.keys(sources);
  if (volume.emptyDir === undefined && kind !== undefined) {
    throw new HawserError('UNSUPPORTED', `volume ${volume.name} is a ${kind}, which is not offered yet`, {
      remedy: 'Use emptyDir or hostPath.',
    });
  }
  // Without any source a volume is an emptyDir (core/v1 VolumeSource).
  const folder = join(podFolder(root, metadata.uid ?? ''), 'volumes', volume.name);
  return emptyDir(folder, { volume: volume.emptyDir ?? {}, group: spec.securityContext?.fsGroup });
}

/** Gives back the mounts of a pod and removes what its volumes held; what a hostPath names stays. */
export async function removePodFolder(root: string, uid: string): Promise<void> {
  const folder = podFolder(root, uid);
  for (const point of await mountPointsIn(folder)) fsOps.unmount(point);
  // Never through a mount: it may be the host's own files.
  const [left] = await mountPointsIn(folder);
  if (left !== undefined) throw new HawserError('CONFLICT', `${left} is still mounted`);
  await rm(folder, { recursive: true, force: true });
}
