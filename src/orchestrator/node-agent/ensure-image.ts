import type { Container, ContainerStateWaiting, Pod } from '../../api/pod.ts';
import { isHawserError, messageOf } from '../../errors/hawser-error.ts';
import { parseReference } from '../../image/reference.ts';
import type { AgentContext } from './agent-context.ts';
import type { Backoff } from './backoff.ts';
import type { PodEvent } from './pod-api.ts';
import type { ImageInfo } from './pod-runtime.ts';

export interface EnsureImageInput {
  readonly pod: Pod;
  readonly container: Container;
  /** Of pulls, by image. */
  readonly pulls: Backoff;
  /** When the pulls of this pod failed, by image. */
  readonly failures: Map<string, number>;
  readonly event: (event: Omit<PodEvent, 'pod' | 'fieldPath'>) => void;
  readonly signal: AbortSignal;
}

export type EnsuredImage =
  | { readonly image: ImageInfo }
  /** `retryAt` in milliseconds since 1970. */
  | { readonly waiting: ContainerStateWaiting; readonly retryAt: number };

const RETRY = 10_000;

/** imagePullPolicy where the pod leaves it out: Always for `:latest` and no tag, else IfNotPresent. */
function policyOf(container: Container): string {
  if (container.imagePullPolicy !== undefined) return container.imagePullPolicy;
  const { tag, digest } = parseReference(container.image);
  return digest === undefined && (tag === undefined || tag === 'latest') ? 'Always' : 'IfNotPresent';
}

async function pull(context: AgentContext, input: EnsureImageInput): Promise<EnsuredImage> {
  const { container, pulls, failures, event, signal } = input;
  const name = container.image;
  const began = context.clock.now();
  const failed = failures.get(name);
  const until = failed === undefined ? undefined : pulls.endOf(name, failed);
  if (until !== undefined && until > began) {
    event({ type: 'Normal', reason: 'BackOff', message: `Back-off pulling image "${name}"` });
    event({ type: 'Warning', reason: 'Failed', message: 'Error: ImagePullBackOff' });
    return {
      waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${name}"` },
      retryAt: until,
    };
  }
  event({ type: 'Normal', reason: 'Pulling', message: `Pulling image "${name}"` });
  try {
    const image = await context.runtime.pullImage(name, signal);
    const seconds = `${(context.clock.now() - began) / 1000}s`;
    const message = `Successfully pulled image "${name}" in ${seconds} (${seconds} including waiting)`;
    event({ type: 'Normal', reason: 'Pulled', message });
    failures.delete(name);
    return { image };
  } catch (error) {
    if (signal.aborted) throw error;
    const now = context.clock.now();
    pulls.next(name, { failedAt: now, now });
    failures.set(name, now);
    const message = `Failed to pull image "${name}": ${messageOf(error)}`;
    event({ type: 'Warning', reason: 'Failed', message });
    event({ type: 'Warning', reason: 'Failed', message: 'Error: ErrImagePull' });
    return { waiting: { reason: 'ErrImagePull', message: messageOf(error) }, retryAt: now + 1000 };
  }
}

function invalidName(name: string, input: EnsureImageInput, retryAt: number): EnsuredImage {
  const message = `Failed to apply default image tag "${name}": couldn't parse image reference "${name}": invalid reference format`;
  input.event({ type: 'Warning', reason: 'InspectFailed', message });
  input.event({ type: 'Warning', reason: 'Failed', message: 'Error: InvalidImageName' });
  return { waiting: { reason: 'InvalidImageName', message }, retryAt };
}

/** The image of a container by its imagePullPolicy (kubelet, image_manager.go), or why it has to wait. */
export async function ensureImage(context: AgentContext, input: EnsureImageInput): Promise<EnsuredImage> {
  const { container, event } = input;
  const name = container.image;
  const retryAt = context.clock.now() + RETRY;
  let policy: string;
  try {
    policy = policyOf(container);
    parseReference(name);
  } catch (error) {
    if (isHawserError(error, 'REFERENCE_INVALID')) return invalidName(name, input, retryAt);
    throw error;
  }
  if (policy === 'Always') return pull(context, input);
  let image: ImageInfo | undefined;
  try {
    image = await context.runtime.imageStatus(name);
  } catch (error) {
    const message = `Failed to inspect image "${name}": ${messageOf(error)}`;
    event({ type: 'Warning', reason: 'InspectFailed', message });
    return { waiting: { reason: 'ImageInspectError', message }, retryAt };
  }
  if (image !== undefined) {
    event({
      type: 'Normal',
      reason: 'Pulled',
      message: `Container image "${name}" already present on machine`,
    });
    return { image };
  }
  if (policy !== 'Never') return pull(context, input);
  const message = `Container image "${name}" is not present with pull policy of Never`;
  event({ type: 'Warning', reason: 'ErrImageNeverPull', message });
  event({ type: 'Warning', reason: 'Failed', message: 'Error: ErrImageNeverPull' });
  return { waiting: { reason: 'ErrImageNeverPull', message }, retryAt };
}
