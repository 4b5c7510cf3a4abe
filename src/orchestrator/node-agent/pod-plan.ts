import { createHash } from 'node:crypto';
import type { Container, ContainerStateWaiting, Pod } from '../../api/pod.ts';
import type { Backoff } from './backoff.ts';
import { allContainers, isOfSandbox, latestAttempt, type ObservedPod } from './observed-pod.ts';
import { containerHashLabel, restartCountOf } from './pod-labels.ts';
import type { RuntimeContainer } from './pod-runtime.ts';

/*
 * What is to be done for a pod, from what it wants and what there is: a pure function, so that after any crash the next
 * look finds the same way (kubelet, computePodActions).
 */

export interface ContainerStart {
  readonly container: Container;
  readonly init: boolean;
  readonly restartCount: number;
}

export interface PodPlan {
  readonly stop: readonly { readonly container: RuntimeContainer; readonly message: string }[];
  /** keep: there is one, or none is needed. */
  readonly sandbox: 'keep' | 'create';
  /** In this order. */
  readonly start: readonly ContainerStart[];
  /** Containers that wait for their back-off, by name. */
  readonly waiting: ReadonlyMap<string, ContainerStateWaiting>;
  /** When to look again, in milliseconds since 1970. */
  readonly retryAt: number | undefined;
}

export interface PlanInput {
  readonly pod: Pod;
  readonly observed: ObservedPod;
  /** Of crashes, by `crashKey`. */
  readonly crashes: Backoff;
  readonly now: number;
}

const nothing: PodPlan = { stop: [], sandbox: 'keep', start: [], waiting: new Map(), retryAt: undefined };

/** Of name and image: the fields of a running pod that restart a container. */
export function containerHash({ name, image }: Pick<Container, 'name' | 'image'>): string {
  return createHash('sha256')
    .update(JSON.stringify([name, image]))
    .digest('hex')
    .slice(0, 16);
}

/** Under which crashes are counted: with another image there is nothing to wait for. */
export function crashKey(container: Container): string {
  return `${container.name}/${containerHash(container)}`;
}

export function podTitle({ metadata }: Pod): string {
  return `${metadata.name}_${metadata.namespace ?? 'default'}(${metadata.uid ?? ''})`;
}

function restarts(policy: string, container: RuntimeContainer): boolean {
  if (policy === 'Never') return false;
  return policy !== 'OnFailure' || container.exitCode !== 0;
}

/** The next start of a container: a created one that never ran is made anew under its number. */
function startOf(container: Container, latest: RuntimeContainer | undefined, init: boolean): ContainerStart {
  const count = latest === undefined ? 0 : restartCountOf(latest) + (latest.state === 'created' ? 0 : 1);
  return { container, init, restartCount: count };
}

function endOf(container: RuntimeContainer, now: number): number {
  const time = Date.parse(container.finishedAt ?? container.startedAt ?? '');
  return Number.isNaN(time) ? now : Math.min(time, now);
}

/** Whether a crashed container has to wait still, and how that is shown. */
function crashWait(input: PlanInput, container: Container, latest: RuntimeContainer | undefined) {
  if (latest?.state !== 'exited') return undefined;
  const until = input.crashes.endOf(crashKey(container), endOf(latest, input.now));
  if (until === undefined || until <= input.now) return undefined;
  const seconds = Math.round(input.crashes.delayOf(crashKey(container)) / 1000);
  const delay = seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  const message = `back-off ${delay} restarting failed container=${container.name} pod=${podTitle(input.pod)}`;
  return { until, waiting: { reason: 'CrashLoopBackOff', message } };
}

/** The starts of containers, without those that have to wait still. */
function startsOf(
  input: PlanInput,
  containers: readonly Container[],
  init: boolean,
): Pick<PodPlan, 'start' | 'waiting' | 'retryAt'> {
  const start: ContainerStart[] = [];
  const waiting = new Map<string, ContainerStateWaiting>();
  let retryAt = Number.POSITIVE_INFINITY;
  for (const container of containers) {
    const latest = latestAttempt(input.observed, container.name);
    const wait = crashWait(input, container, latest);
    if (wait === undefined) start.push(startOf(container, latest, init));
    else {
      waiting.set(container.name, wait.waiting);
      retryAt = Math.min(retryAt, wait.until);
    }
  }
  return { start, waiting, retryAt: Number.isFinite(retryAt) ? retryAt : undefined };
}

/** No sandbox runs: what ran in it is lost, and all starts over, unless the pod is over. */
function planWithoutSandbox(input: PlanInput): PodPlan {
  const { observed } = input;
  const { spec } = input.pod;
  const policy = spec.restartPolicy ?? 'Always';
  const running = allContainers(observed).filter(({ state }) => state === 'running');
  const stop = running.map(container => ({
    container,
    message: 'Pod sandbox changed, it will be killed and re-created.',
  }));
  const hasRun = spec.containers.some(({ name }) => latestAttempt(observed, name) !== undefined);
  if (policy === 'Never' && hasRun) return { ...nothing, stop };
  const wanted = spec.containers.filter(({ name }) => {
    const latest = latestAttempt(observed, name);
    return latest?.state !== 'exited' || restarts(policy, latest);
  });
  if (wanted.length === 0) return { ...nothing, stop };
  const [init] = spec.initContainers ?? [];
  const failedInit = init === undefined ? undefined : latestAttempt(observed, init.name);
  if (policy === 'Never' && failedInit?.state === 'exited' && failedInit.exitCode !== 0)
    return { ...nothing, stop };
  const next = init === undefined ? startsOf(input, wanted, false) : startsOf(input, [init], true);
  return { ...next, stop, sandbox: 'create' };
}

/** The init container that has to run next; undefined when all have done their work. */
function planInit(input: PlanInput): PodPlan | undefined {
  const { observed } = input;
  const { spec } = input.pod;
  const past = spec.containers.some(({ name }) => {
    const latest = latestAttempt(observed, name);
    return latest !== undefined && isOfSandbox(observed, latest);
  });
  if (past) return undefined;
  for (const container of spec.initContainers ?? []) {
    const latest = latestAttempt(observed, container.name);
    const current = latest !== undefined && isOfSandbox(observed, latest) ? latest : undefined;
    if (current?.state === 'exited' && current.exitCode === 0) continue;
    if (current?.state === 'running') return nothing;
    if (current?.state === 'exited' && spec.restartPolicy === 'Never') return nothing;
    return { ...nothing, ...startsOf(input, [container], true) };
  }
  return undefined;
}

export function planPod(input: PlanInput): PodPlan {
  const { observed } = input;
  const { spec } = input.pod;
  if (observed.sandbox === undefined) return planWithoutSandbox(input);
  const init = planInit(input);
  if (init !== undefined) return init;
  const policy = spec.restartPolicy ?? 'Always';
  const stop: PodPlan['stop'][number][] = [];
  const wanted: Container[] = [];
  for (const container of spec.containers) {
    const latest = latestAttempt(observed, container.name);
    if (latest?.state === 'running' && isOfSandbox(observed, latest)) {
      const hash = latest.labels[containerHashLabel];
      if (hash === undefined || hash === containerHash(container)) continue;
      stop.push({
        container: latest,
        message: `Container ${container.name} definition changed, will be restarted`,
      });
    } else if (latest?.state === 'running') {
      stop.push({ container: latest, message: 'Pod sandbox changed, it will be killed and re-created.' });
    } else if (latest?.state === 'exited' && !restarts(policy, latest)) continue;
    wanted.push(container);
  }
  return { ...startsOf(input, wanted, false), stop, sandbox: 'keep' };
}
