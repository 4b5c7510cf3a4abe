import type { Pod } from '../../api/pod.ts';
import { messageOf } from '../../errors/hawser-error.ts';
import type { AgentContext } from './agent-context.ts';
import { containerRequest } from './container-request.ts';
import { ensureImage } from './ensure-image.ts';
import type { PodEvent } from './pod-api.ts';
import { restartCountOf } from './pod-labels.ts';
import type { PodMemory } from './pod-memory.ts';
import { type ContainerStart, crashKey } from './pod-plan.ts';
import type { ImageInfo, PodContainerRequest, RuntimeContainer } from './pod-runtime.ts';
import { removeTerminationLog } from './termination-message.ts';

export interface StartInput {
  readonly pod: Pod;
  readonly start: ContainerStart;
  readonly sandbox: RuntimeContainer;
  /** Earlier attempts, newest first. */
  readonly attempts: readonly RuntimeContainer[];
  readonly memory: PodMemory;
  readonly signal: AbortSignal;
}

type Report = (event: Omit<PodEvent, 'pod' | 'fieldPath'>) => void;

function reporter(context: AgentContext, input: StartInput): Report {
  const list = input.start.init ? 'initContainers' : 'containers';
  const fieldPath = `spec.${list}{${input.start.container.name}}`;
  return event => {
    const recorded = context.api.recordEvent({ ...event, pod: input.pod, fieldPath });
    recorded.catch((error: unknown) => context.log(`event ${event.reason}: ${messageOf(error)}`));
  };
}

/** Puts off the next try of a start that failed. */
function block(
  context: AgentContext,
  input: StartInput,
  failure: { readonly reason: string; readonly error: unknown },
) {
  const { memory, start } = input;
  const { name, image } = start.container;
  const now = context.clock.now();
  memory.failures.next(name, { failedAt: now, now });
  const waiting = { reason: failure.reason, message: messageOf(failure.error) };
  memory.blocked.set(name, { until: now + memory.failures.delayOf(name), waiting, image });
}

async function prepareRequest(
  context: AgentContext,
  input: StartInput,
  image: ImageInfo,
): Promise<PodContainerRequest> {
  const { pod, start, sandbox } = input;
  const { node, root } = context;
  const podIP = pod.spec.hostNetwork === true ? node.address : (sandbox.address ?? '');
  return containerRequest({
    pod,
    start,
    sandboxID: sandbox.id,
    image,
    root,
    place: { hostIP: node.address, podIP },
  });
}

/** Keeps the last ended attempt, for lastState and `logs --previous`, and removes those before it. */
async function removeOldAttempts(context: AgentContext, input: StartInput): Promise<void> {
  const ended = input.attempts.filter(({ state }) => state !== 'running');
  const unstarted = ended.filter(({ state }) => state === 'created');
  const [, ...older] = ended.filter(({ state }) => state === 'exited');
  const uid = input.pod.metadata.uid ?? '';
  const { name } = input.start.container;
  for (const old of [...unstarted, ...older]) {
    await context.runtime.removeContainer(old.id);
    await removeTerminationLog(context.root, { uid, name, restartCount: restartCountOf(old) });
  }
}

async function createAndStart(
  context: AgentContext,
  input: StartInput,
  report: Report,
  image: ImageInfo,
): Promise<void> {
  const { name } = input.start.container;
  let reason = 'CreateContainerError';
  try {
    await removeOldAttempts(context, input);
    reason = 'CreateContainerConfigError';
    const request = await prepareRequest(context, input, image);
    reason = 'CreateContainerError';
    const id = await context.runtime.createContainer(request);
    report({ type: 'Normal', reason: 'Created', message: `Created container ${name}` });
    // What is left then, ended, counts as a crash too, and tells why.
    reason = 'RunContainerError';
    await context.runtime.startContainer(id);
  } catch (error) {
    report({ type: 'Warning', reason: 'Failed', message: `Error: ${messageOf(error)}` });
    block(context, input, { reason, error });
    return;
  }
  input.memory.failures.reset(name);
  report({ type: 'Normal', reason: 'Started', message: `Started container ${name}` });
}

/** Starts one container: image, container, process. What fails is on record in events and in the memory. */
export async function startPodContainer(context: AgentContext, input: StartInput): Promise<void> {
  const { memory, start, attempts } = input;
  const { name } = start.container;
  const report = reporter(context, input);
  memory.blocked.delete(name);
  const [latest] = attempts;
  const now = context.clock.now();
  const ensured = await ensureImage(context, {
    pod: input.pod,
    container: start.container,
    pulls: memory.pulls,
    failures: memory.pullFailures,
    event: report,
    signal: input.signal,
  });
  if ('waiting' in ensured) {
    const { image } = start.container;
    memory.blocked.set(name, { until: ensured.retryAt, waiting: ensured.waiting, image });
    return;
  }
  if (latest?.state === 'exited' && restartCountOf(latest) < start.restartCount) {
    const ended = Date.parse(latest.finishedAt ?? '');
    memory.crashes.next(crashKey(start.container), { failedAt: Number.isNaN(ended) ? now : ended, now });
  }
  await createAndStart(context, input, report, ensured.image);
}
