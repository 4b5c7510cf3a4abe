import type { Pod } from '../../api/pod.ts';
import { messageOf } from '../../errors/hawser-error.ts';
import { unlessAborted } from '../../util/abort.ts';
import type { AgentContext } from './agent-context.ts';
import { recordKilling } from './end-pod.ts';
import type { ObservedPod } from './observed-pod.ts';
import type { PodEvent } from './pod-api.ts';
import { restartCountOf } from './pod-labels.ts';
import type { PodMemory } from './pod-memory.ts';
import { type PodPlan, planPod, podTitle } from './pod-plan.ts';
import type { RuntimeContainer } from './pod-runtime.ts';
import { prepareVolume } from './pod-volumes.ts';
import { sandboxRequest } from './sandbox-request.ts';
import { startPodContainer } from './start-container.ts';

export interface RunInput {
  readonly pod: Pod;
  readonly observed: ObservedPod;
  readonly memory: PodMemory;
  readonly signal: AbortSignal;
}

/** The name under which failures of what all containers of a pod need are kept: its volumes and its sandbox. */
const POD = '';

/** What is to be done now: the plan, without what has to wait after a failure. */
export function nextStep(context: AgentContext, input: RunInput): PodPlan {
  const now = context.clock.now();
  const { pod, observed, memory } = input;
  const plan = planPod({ pod, observed, crashes: memory.crashes, now });
  const waiting = new Map(plan.waiting);
  let retryAt = plan.retryAt ?? Number.POSITIVE_INFINITY;
  const whole = memory.blocked.get(POD);
  const start = plan.start.filter(({ container }) => {
    const own = memory.blocked.get(container.name);
    const blocked = whole ?? (own?.image === container.image ? own : undefined);
    if (blocked !== undefined) waiting.set(container.name, blocked.waiting);
    if (blocked === undefined || blocked.until <= now) return true;
    retryAt = Math.min(retryAt, blocked.until);
    return false;
  });
  return {
    ...plan,
    sandbox: start.length === 0 ? 'keep' : plan.sandbox,
    start,
    waiting,
    retryAt: Number.isFinite(retryAt) ? retryAt : undefined,
  };
}

function recordPodEvent(context: AgentContext, pod: Pod, event: Omit<PodEvent, 'pod'>): void {
  const recorded = context.api.recordEvent({ ...event, pod });
  recorded.catch((error: unknown) => context.log(`event ${event.reason}: ${messageOf(error)}`));
}

/** Puts off the next try to prepare a pod. */
function blockPod(
  context: AgentContext,
  { pod, memory }: RunInput,
  failure: { readonly reason: string; readonly message: string },
): undefined {
  const now = context.clock.now();
  memory.failures.next(POD, { failedAt: now, now });
  memory.blocked.set(POD, {
    until: now + memory.failures.delayOf(POD),
    waiting: { reason: 'ContainerCreating', message: failure.message },
  });
  recordPodEvent(context, pod, { type: 'Warning', ...failure });
}

/** A new sandbox in place of those that have ended. */
async function createSandbox(context: AgentContext, { pod, observed }: RunInput): Promise<string> {
  const { runtime } = context;
  const [last] = observed.sandboxes;
  if (last !== undefined) {
    const message = 'Pod sandbox changed, it will be killed and re-created.';
    recordPodEvent(context, pod, { type: 'Normal', reason: 'SandboxChanged', message });
  }
  for (const { id } of observed.sandboxes) await runtime.removeContainer(id);
  const attempt = last === undefined ? 0 : restartCountOf(last) + 1;
  return runtime.runSandbox(sandboxRequest(pod, { attempt, nodeName: context.node.name }));
}

/** Volumes and sandbox; undefined where they cannot be had, which is then on record. */
async function preparePod(
  context: AgentContext,
  input: RunInput,
  step: PodPlan,
): Promise<RuntimeContainer | undefined> {
  const { pod, memory, observed } = input;
  for (const volume of pod.spec.volumes ?? []) {
    try {
      await prepareVolume(context.root, pod, volume);
    } catch (error) {
      const message = `MountVolume.SetUp failed for volume "${volume.name}" : ${messageOf(error)}`;
      return blockPod(context, input, { reason: 'FailedMount', message });
    }
  }
  let { sandbox } = observed;
  if (step.sandbox === 'create') {
    try {
      const id = await createSandbox(context, input);
      sandbox = (await context.runtime.listContainers()).find(container => container.id === id);
    } catch (error) {
      const message = `Failed to create pod sandbox: ${messageOf(error)}`;
      return blockPod(context, input, { reason: 'FailedCreatePodSandBox', message });
    }
  }
  memory.failures.reset(POD);
  memory.blocked.delete(POD);
  return sandbox;
}

/** Carries out a step. @returns whether anything was done, so that it is time to look again */
export async function carryOut(context: AgentContext, input: RunInput, step: PodPlan): Promise<boolean> {
  const { pod, observed, memory, signal } = input;
  const grace = pod.spec.terminationGracePeriodSeconds ?? 30;
  for (const { container, message } of step.stop) recordKilling(context, pod, { container, message });
  const stopped = step.stop.map(({ container }) => context.runtime.stopContainer(container.id, { grace }));
  await unlessAborted(Promise.all(stopped), signal);
  if (step.start.length === 0) return step.stop.length > 0;
  const sandbox = await preparePod(context, input, step);
  if (sandbox === undefined) return true;
  for (const start of step.start) {
    if (signal.aborted) break;
    const attempts = observed.attempts.get(start.container.name) ?? [];
    await startPodContainer(context, { pod, start, sandbox, attempts, memory, signal });
  }
  return true;
}

/** The event of a container that has begun to wait after a crash. */
export function recordBackoff(context: AgentContext, pod: Pod, name: string): void {
  recordPodEvent(context, pod, {
    type: 'Warning',
    reason: 'BackOff',
    message: `Back-off restarting failed container ${name} in pod ${podTitle(pod)}`,
    fieldPath: `spec.containers{${name}}`,
  });
}
