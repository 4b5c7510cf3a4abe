import { join } from 'node:path';
import type { Container, Pod, VolumeMount } from '../../api/pod.ts';
import { HawserError } from '../../errors/hawser-error.ts';
import { expandVariables, unknownVariables } from './expand-variables.ts';
import type { PodContainerRequest } from './pod-runtime.ts';
import { podFolder, prepareVolume } from './pod-volumes.ts';
import { mountSubPath } from './sub-path.ts';

type Mounts = PodContainerRequest['mounts'];

/** The part of a volume that is mounted; '' for the whole. */
function subPathOf(mount: VolumeMount, variables: ReadonlyMap<string, string>): string {
  const { subPath = '', subPathExpr = '' } = mount;
  if (subPathExpr === '') return subPath;
  const missing = unknownVariables(subPathExpr, variables);
  if (missing.length === 0) return expandVariables(subPathExpr, variables);
  throw new HawserError('OBJECT_INVALID', `subPathExpr: there is no variable ${missing.join(', ')}`, {
    remedy: 'Set it in env of the container.',
  });
}

/**
 * The mounts of a container: its volumes, made where they are ours to make.
 *
 * @throws HawserError OBJECT_INVALID, CONFLICT, UNSUPPORTED, MOUNT_FAILED
 */
export async function containerMounts(
  root: string,
  pod: Pod,
  options: { readonly container: Container; readonly variables: ReadonlyMap<string, string> },
): Promise<Mounts> {
  const { container, variables } = options;
  const mounts: Mounts[number][] = [];
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const volume = pod.spec.volumes?.find(({ name }) => name === mount.name);
    if (volume === undefined) {
      throw new HawserError('OBJECT_INVALID', `volumeMount ${mount.name}: the pod has no such volume`);
    }
    let source = await prepareVolume(root, pod, volume);
    const subPath = subPathOf(mount, variables);
    if (subPath !== '') {
      const whole = source;
      source = join(podFolder(root, pod.metadata.uid ?? ''), 'subpaths', container.name, String(index));
      mountSubPath(whole, subPath, source);
    }
    mounts.push({ source, target: mount.mountPath, readOnly: mount.readOnly === true });
  }
  return mounts;
}
