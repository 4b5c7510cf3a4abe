import type { Container, Pod } from '../../api/pod.ts';
import { parseQuantity } from '../../api/quantity.ts';
import { HawserError } from '../../errors/hawser-error.ts';
import { containerEnvironment, type PodPlace } from './container-environment.ts';
import { containerMounts } from './container-mounts.ts';
import { expandVariables } from './expand-variables.ts';
import {
  containerHashLabel,
  containerNameLabel,
  gracePeriodLabel,
  restartCountLabel,
  sandboxIDLabel,
} from './pod-labels.ts';
import { type ContainerStart, containerHash } from './pod-plan.ts';
import type { ImageInfo, PodContainerRequest } from './pod-runtime.ts';
import { podLabels } from './sandbox-request.ts';
import { terminationLogMount } from './termination-message.ts';

export interface ContainerRequestInput {
  readonly pod: Pod;
  readonly start: ContainerStart;
  readonly sandboxID: string;
  readonly image: ImageInfo;
  readonly place: PodPlace;
  /** HAWSER_ROOT */
  readonly root: string;
}

/** The kernel's largest weight. */
const MAX_SHARES = 262_144;

/** Kubernetes counts CPUs in whole thousandths, rounded up; what floating point adds to them is none. */
function milliOf(cpus: number): number {
  return Math.ceil(Number((cpus * 1000).toPrecision(12)));
}

/** cgroup values from limits and requests (kubelet, MilliCPUToShares and MilliCPUToQuota). */
export function resourcesOf({ resources }: Container): PodContainerRequest['resources'] {
  const amount = (quantity: string | undefined) => parseQuantity(quantity ?? '0');
  const memory = Math.ceil(amount(resources?.limits?.memory));
  const limit = milliOf(amount(resources?.limits?.cpu));
  const request = milliOf(amount(resources?.requests?.cpu)) || limit;
  return {
    cpuShares: Math.min(MAX_SHARES, Math.max(2, Math.floor((request * 1024) / 1000))),
    // A limit of nothing is none.
    ...(memory === 0 ? {} : { memory }),
    // A quota of less than a millisecond in 100 is refused by the kernel.
    ...(limit === 0 ? {} : { cpus: Math.max(0.01, limit / 1000) }),
  };
}

function isRoot(user: string): boolean {
  return /^(root|0*)(:.*)?$/.test(user);
}

/**
 * `uid[:gid]` of a container, its own before the pod's before the image's.
 *
 * @throws HawserError OBJECT_INVALID where runAsNonRoot forbids it
 */
export function userOf(pod: Pod, container: Container, image: ImageInfo): string | undefined {
  const own = container.securityContext ?? {};
  const shared = pod.spec.securityContext ?? {};
  const uid = own.runAsUser ?? shared.runAsUser;
  const gid = own.runAsGroup ?? shared.runAsGroup;
  if ((own.runAsNonRoot ?? shared.runAsNonRoot) === true) {
    const refused = (message: string) => new HawserError('OBJECT_INVALID', message);
    if (uid === 0) throw refused("container's runAsUser breaks non-root policy");
    const user = (image.user ?? '').split(':')[0] ?? '';
    if (uid === undefined && isRoot(user))
      throw refused('container has runAsNonRoot and image will run as root');
    if (uid === undefined && !/^\d+$/.test(user)) {
      throw refused(
        `container has runAsNonRoot and image has non-numeric user (${user}), cannot verify user is non-root`,
      );
    }
  }
  if (uid === undefined && gid === undefined) return undefined;
  const user = uid === undefined ? (image.user ?? '').split(':')[0] || '0' : String(uid);
  return gid === undefined ? user : `${user}:${gid}`;
}

function securityOf(pod: Pod, container: Container, image: ImageInfo) {
  const context = container.securityContext ?? {};
  const shared = pod.spec.securityContext ?? {};
  const user = userOf(pod, container, image);
  const groups = [
    ...(shared.supplementalGroups ?? []),
    ...(shared.fsGroup === undefined ? [] : [shared.fsGroup]),
  ];
  return {
    ...(user === undefined ? {} : { user }),
    ...(groups.length === 0 ? {} : { additionalGroups: groups }),
    ...(context.privileged === true ? { privileged: true } : {}),
    ...(context.readOnlyRootFilesystem === true ? { readOnlyRootfs: true } : {}),
    ...(context.allowPrivilegeEscalation === false ? { noNewPrivileges: true } : {}),
    ...(context.capabilities === undefined ? {} : { capabilities: context.capabilities }),
  };
}

function pidOf({ spec }: Pod): PodContainerRequest['pid'] {
  if (spec.hostPID === true) return 'host';
  return spec.shareProcessNamespace === true ? 'pod' : 'container';
}

/**
 * What the runtime makes a container of a pod from.
 *
 * @throws HawserError OBJECT_INVALID, CONFLICT, UNSUPPORTED, MOUNT_FAILED: a CreateContainerConfigError
 */
export async function containerRequest(input: ContainerRequestInput): Promise<PodContainerRequest> {
  const { pod, start, image, root } = input;
  const { container, restartCount } = start;
  const variables = containerEnvironment(container, pod, input.place);
  const expand = (words: readonly string[]) => words.map(word => expandVariables(word, variables));
  const mounts = await containerMounts(root, pod, { container, variables });
  const attempt = { uid: pod.metadata.uid ?? '', name: container.name, restartCount };
  return {
    sandboxID: input.sandboxID,
    image: image.reference,
    ...(container.command === undefined ? {} : { command: expand(container.command) }),
    ...(container.args === undefined ? {} : { args: expand(container.args) }),
    env: [...variables].map(([name, value]) => `${name}=${value}`),
    ...(container.workingDir === undefined ? {} : { workingDir: container.workingDir }),
    ...securityOf(pod, container, image),
    mounts: [...mounts, await terminationLogMount(root, attempt, container)],
    tmpfs: [],
    resources: resourcesOf(container),
    tty: container.tty === true,
    stdin: container.stdin === true,
    pid: pidOf(pod),
    labels: {
      ...podLabels(pod),
      [containerNameLabel]: container.name,
      [restartCountLabel]: String(restartCount),
      [containerHashLabel]: containerHash(container),
      [sandboxIDLabel]: input.sandboxID,
      [gracePeriodLabel]: String(pod.spec.terminationGracePeriodSeconds ?? 30),
    },
  };
}
