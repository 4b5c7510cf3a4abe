import type { Pod } from '../../api/pod.ts';
import { messageOf } from '../../errors/hawser-error.ts';
import type { AgentContext } from './agent-context.ts';
import { recordKilling } from './end-pod.ts';
import type { ObservedPod } from './observed-pod.ts';
import type { PodMemory } from './pod-memory.ts';
import { type PodPlan, planPod, podTitle } from './pod-plan.ts';
import type { RuntimeContainer } from './pod-runtime.ts';
import { sandboxRequest } from './sandbox-request.ts';
import { startPodContainer } from './start-container.ts';

export interface RunInput {
  readonly pod: Pod;
  readonly observed: ObservedPod;
  readonly memory: PodMemory;
  readonly signal: AbortSignal;
}

/** The name under which failures of the sandbox are kept. */
const SANDBOX = '';

/** What is to be done now: the plan, without what has to wait after a failure. */
export function nextStep(context: AgentContext, input: RunInput): PodPlan {
  const now = context.clock.now();
  const { pod, observed, memory } = input;
  const plan = planPod({ pod, observed, crashes: memory.crashes, now });
  const waiting = new Map(plan.waiting);
  let retryAt = plan.retryAt ?? Number.POSITIVE_INFINITY;
  const sandbox = plan.sandbox === 'create' ? memory.blocked.get(SANDBOX) : undefined;
  const start = plan.start.filter(({ container }) => {
    const own = memory.blocked.get(container.name);
    const blocked = sandbox ?? (own?.image === container.image ? own : undefined);
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

function recordSandboxEvent(
  context: AgentContext,
  pod: Pod,
  event: { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string },
): void {
  const recorded = context.api.recordEvent({ ...event, pod });
  recorded.catch((error: unknown) => context.log(`event ${event.reason}: ${messageOf(error)}`));
}

/** A new sandbox in place of those that have ended; undefined where that failed, which is then on record. */
async function createSandbox(context: AgentContext, input: RunInput): Promise<RuntimeContainer | undefined> {
  const { pod, observed, memory } = input;
  const { runtime, clock } = context;
  if (observed.sandboxes.length > 0) {
    const message = 'Pod sandbox changed, it will be killed and re-created.';
    recordSandboxEvent(context, pod, { type: 'Normal', reason: 'SandboxChanged', message });
  }
  try {
    for (const { id } of observed.sandboxes) await runtime.removeContainer(id);
    const attempt = observed.sandboxes.length;
    const id = await runtime.runSandbox(sandboxRequest(pod, { attempt, nodeName: context.node.name }));
    memory.failures.reset(SANDBOX);
    memory.blocked.delete(SANDBOX);
    return (await runtime.listContainers()).find(container => container.id === id);
  } catch (error) {
    const now = clock.now();
    memory.failures.next(SANDBOX, { failedAt: now, now });
    const message = `Failed to create pod sandbox: ${messageOf(error)}`;
    memory.blocked.set(SANDBOX, {
      until: now + memory.failures.delayOf(SANDBOX),
      waiting: { reason: 'ContainerCreating', message },
    });
    recordSandboxEvent(context, pod, { type: 'Warning', reason: 'FailedCreatePodSandBox', message });
    return undefined;
  }
}

/** Carries out a step. @returns whether anything was done, so that it is time to look again */
export async function carryOut(context: AgentContext, input: RunInput, step: PodPlan): Promise<boolean> {
  const { pod, observed, memory, signal } = input;
  const grace = pod.spec.terminationGracePeriodSeconds ?? 30;
  for (const { container, message } of step.stop) recordKilling(context, pod, { container, message });
  await Promise.all(step.stop.map(({ container }) => context.runtime.stopContainer(container.id, { grace })));
  if (step.start.length === 0) return step.stop.length > 0;
  const sandbox = step.sandbox === 'create' ? await createSandbox(context, input) : observed.sandbox;
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
  const recorded = context.api.recordEvent({
    pod,
    type: 'Warning',
    reason: 'BackOff',
    message: `Back-off restarting failed container ${name} in pod ${podTitle(pod)}`,
    fieldPath: `spec.containers{${name}}`,
  });
  recorded.catch((error: unknown) => context.log(`event BackOff: ${messageOf(error)}`));
}
