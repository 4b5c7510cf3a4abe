import type { Pod } from '../../api/pod.ts';
import { messageOf } from '../../errors/hawser-error.ts';
import type { AgentContext } from './agent-context.ts';
import { allContainers, type ObservedPod } from './observed-pod.ts';
import { containerNameLabel } from './pod-labels.ts';
import type { RuntimeContainer } from './pod-runtime.ts';
import { removePodFolder } from './pod-volumes.ts';

export function recordKilling(
  context: AgentContext,
  pod: Pod,
  kill: { readonly container: RuntimeContainer; readonly message?: string },
): void {
  const name = kill.container.labels[containerNameLabel] ?? '';
  const recorded = context.api.recordEvent({
    pod,
    type: 'Normal',
    reason: 'Killing',
    message: kill.message ?? `Stopping container ${name}`,
    fieldPath: `spec.containers{${name}}`,
  });
  recorded.catch((error: unknown) => context.log(`event Killing: ${messageOf(error)}`));
}

/** Ends all containers of a pod side by side, then its sandbox. What has ended stays for its logs and state. */
export async function stopPod(
  context: AgentContext,
  observed: ObservedPod,
  options: { readonly pod: Pod | undefined; readonly grace: number },
): Promise<void> {
  const running = allContainers(observed).filter(({ state }) => state === 'running');
  const { pod, grace } = options;
  if (pod !== undefined) for (const container of running) recordKilling(context, pod, { container });
  await Promise.all(running.map(({ id }) => context.runtime.stopContainer(id, { grace })));
  const sandboxes = observed.sandboxes.filter(({ state }) => state === 'running');
  await Promise.all(sandboxes.map(({ id }) => context.runtime.stopContainer(id, { grace: 2 })));
}

/** Removes whatever the runtime and the disk have of a pod whose containers have ended. */
export async function removePod(context: AgentContext, observed: ObservedPod, uid: string): Promise<void> {
  await Promise.all(allContainers(observed).map(({ id }) => context.runtime.removeContainer(id)));
  await Promise.all(observed.sandboxes.map(({ id }) => context.runtime.removeContainer(id)));
  await removePodFolder(context.root, uid);
}
