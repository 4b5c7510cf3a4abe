import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container, Pod } from '../../api/pod.ts';
import { HawserError } from '../../errors/hawser-error.ts';
import { expandVariables } from './expand-variables.ts';
import type { PodContainerRequest } from './pod-runtime.ts';
import { podFolder, prepareVolume } from './pod-volumes.ts';
import { mountSubPath } from './sub-path.ts';

type Mounts = PodContainerRequest['mounts'];

/**
 * The mounts of a container: its volumes, made where they are ours to make.
 *
 * @throws HawserError OBJECT_INVALID, CONFLICT, UNSUPPORTED, MOUNT_FAILED
 */
export async function containerMounts(root: string, pod: Pod, container: Container): Promise<Mounts> {
  const uid = pod.metadata.uid ?? '';
  const mounts: Mounts[number][] = [];
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const volume = pod.spec.volumes?.find(({ name }) => name === mount.name);
    if (volume === undefined) {
      throw new HawserError('OBJECT_INVALID', `volumeMount ${mount.name}: the pod has no such volume`);
    }
    const whole = await prepareVolume(root, uid, volume);
    const subPath = expandVariables(mount.subPath ?? '', new Map());
    let source = whole;
    if (subPath !== '') {
      source = join(podFolder(root, uid), 'subpaths', container.name, String(index));
      mountSubPath(whole, subPath, source);
    }
    mounts.push({ source, target: mount.mountPath, readOnly: mount.readOnly === true });
  }
  return mounts;
}

/** Where a container may say why it ended: its terminationMessagePath on the host. */
export function terminationLogPath(
  root: string,
  uid: string,
  attempt: { readonly name: string; readonly restartCount: number },
): string {
  return join(podFolder(root, uid), 'containers', attempt.name, String(attempt.restartCount));
}

export async function terminationLogMount(path: string, container: Container): Promise<Mounts[number]> {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, '', { mode: 0o666 });
  return {
    source: path,
    target: container.terminationMessagePath ?? '/dev/termination-log',
    readOnly: false,
  };
}
