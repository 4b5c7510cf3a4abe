import { isDeepStrictEqual } from 'node:util';
import type { ContainerStateWaiting, Pod } from '../../api/pod.ts';
import { messageOf } from '../../errors/hawser-error.ts';
import { unlessAborted } from '../../util/abort.ts';
import type { AgentContext } from './agent-context.ts';
import { removePod, stopPod } from './end-pod.ts';
import { allContainers, type ObservedPod, observePod } from './observed-pod.ts';
import { gracePeriodLabel } from './pod-labels.ts';
import { newPodMemory } from './pod-memory.ts';
import type { PodPlan } from './pod-plan.ts';
import { podStatus } from './pod-status.ts';
import { carryOut, nextStep, type RunInput, recordBackoff } from './run-pod.ts';
import { readTerminationMessages } from './termination-message.ts';

interface Outcome {
  /** Nothing is left to do for this pod, ever. */
  readonly finished?: boolean;
  /** When to look again, in milliseconds since 1970. */
  readonly retryAt?: number | undefined;
}

const deadlineFailure = {
  reason: 'DeadlineExceeded',
  message: 'Pod was active on the node longer than the specified deadline',
};

const RETRY_AFTER_ERROR = 2000;

function revisionOf({ metadata }: Pod): number {
  return Number(metadata.resourceVersion ?? 0);
}

/** Looks after one pod: woken by changes of its object, ends of its containers and time, it brings about what the pod wants. */
export class PodWorker {
  readonly uid: string;
  readonly done: Promise<void>;
  readonly #context: AgentContext;
  readonly #memory = newPodMemory();
  readonly #stop: AbortSignal;
  readonly #watched = new Set<string>();
  /** Containers that are being ended. */
  #ending: readonly string[] = [];
  #pod: Pod | undefined;
  #wake = new AbortController();
  /** Fires when what is being started is no longer wanted. */
  #start = new AbortController();
  #backedOff: ReadonlySet<string> = new Set();

  /** `pod` undefined: only what is left of it has to go. */
  constructor(
    context: AgentContext,
    uid: string,
    options: { readonly pod: Pod | undefined; readonly signal: AbortSignal },
  ) {
    this.#context = context;
    this.uid = uid;
    this.#pod = options.pod;
    this.#stop = options.signal;
    this.#stop.addEventListener('abort', () => this.#interrupt(), { once: true });
    this.done = this.#run();
  }

  /** The object has changed; undefined: it is gone. */
  update(pod: Pod | undefined): void {
    // The watch may lag behind what our own writes have brought back.
    if (pod !== undefined && this.#pod !== undefined && revisionOf(pod) < revisionOf(this.#pod)) return;
    this.#pod = pod;
    const ends = pod === undefined || pod.metadata.deletionTimestamp !== undefined;
    if (ends) {
      this.#start.abort();
      this.#hurry();
    }
    this.#wake.abort();
  }

  /** Whether its object is known to be gone. */
  get isGone(): boolean {
    return this.#pod === undefined;
  }

  #title(): string {
    return this.#pod?.metadata.name ?? this.uid;
  }

  #interrupt(): void {
    this.#start.abort();
    this.#wake.abort();
  }

  /** A later deletion may leave less time than the one that is being waited for. */
  #hurry(): void {
    const grace = this.#pod === undefined ? 0 : this.#remainingGrace(this.#pod);
    for (const id of this.#ending) {
      const stopped = this.#context.runtime.stopContainer(id, { grace });
      stopped.catch((error: unknown) => this.#context.log(`pod ${this.uid}: ${messageOf(error)}`));
    }
  }

  async #run(): Promise<void> {
    const { clock } = this.#context;
    while (!this.#stop.aborted) {
      this.#wake = new AbortController();
      let outcome: Outcome;
      try {
        outcome = await this.#look();
      } catch (error) {
        if (this.#stop.aborted) return;
        this.#context.log(`pod ${this.#title()}: ${messageOf(error)}`);
        outcome = { retryAt: clock.now() + RETRY_AFTER_ERROR };
      }
      if (outcome.finished === true) return;
      const pause = outcome.retryAt === undefined ? Number.POSITIVE_INFINITY : outcome.retryAt - clock.now();
      await clock.sleep(pause, this.#wake.signal);
    }
  }

  async #observe(): Promise<ObservedPod> {
    return observePod(this.uid, await this.#context.runtime.listContainers(), this.#pod?.status);
  }

  async #look(): Promise<Outcome> {
    const observed = await this.#observe();
    const pod = this.#pod;
    if (pod === undefined) return this.#clear(observed);
    if (pod.metadata.deletionTimestamp !== undefined) return this.#terminate(pod, observed);
    this.#start = new AbortController();
    const phase = pod.status?.phase;
    if (phase === 'Failed' || phase === 'Succeeded') {
      await this.#end(observed, { pod, grace: pod.spec.terminationGracePeriodSeconds ?? 30 });
      await this.#push(pod, await this.#observe(), new Map());
      return {};
    }
    const deadline = this.#deadlineOf(pod);
    if (deadline !== undefined && deadline <= this.#context.clock.now()) return this.#fail(pod, observed);
    const outcome = await this.#advance(pod, observed);
    const retryAt = Math.min(
      outcome.retryAt ?? Number.POSITIVE_INFINITY,
      deadline ?? Number.POSITIVE_INFINITY,
    );
    return Number.isFinite(retryAt) ? { retryAt } : {};
  }

  async #advance(pod: Pod, observed: ObservedPod): Promise<Outcome> {
    const input = { pod, observed, memory: this.#memory, signal: this.#start.signal };
    const step = nextStep(this.#context, input);
    this.#watchExits(observed);
    const phase = await this.#push(pod, observed, step.waiting);
    this.#recordBackoffs(pod, step.waiting);
    const acted = await this.#carryOut(input, step);
    const over = phase === 'Failed' || phase === 'Succeeded';
    return { retryAt: acted || over ? this.#context.clock.now() : step.retryAt };
  }

  async #carryOut(input: RunInput, step: PodPlan): Promise<boolean> {
    try {
      return await carryOut(this.#context, input, step);
    } catch (error) {
      // What is no longer wanted was cut short.
      if (input.signal.aborted) return true;
      throw error;
    }
  }

  #recordBackoffs(pod: Pod, waiting: ReadonlyMap<string, ContainerStateWaiting>): void {
    const names = [...waiting]
      .filter(([, { reason }]) => reason === 'CrashLoopBackOff')
      .map(([name]) => name);
    for (const name of names) if (!this.#backedOff.has(name)) recordBackoff(this.#context, pod, name);
    this.#backedOff = new Set(names);
  }

  #deadlineOf(pod: Pod): number | undefined {
    const start = Date.parse(pod.status?.startTime ?? '');
    const seconds = pod.spec.activeDeadlineSeconds;
    return seconds === undefined || Number.isNaN(start) ? undefined : start + seconds * 1000;
  }

  async #fail(pod: Pod, observed: ObservedPod): Promise<Outcome> {
    const recorded = this.#context.api.recordEvent({ pod, type: 'Normal', ...deadlineFailure });
    recorded.catch((error: unknown) => this.#context.log(`event DeadlineExceeded: ${messageOf(error)}`));
    await this.#end(observed, { pod, grace: pod.spec.terminationGracePeriodSeconds ?? 30 });
    await this.#push(pod, await this.#observe(), new Map(), deadlineFailure);
    return {};
  }

  async #end(
    observed: ObservedPod,
    options: { readonly pod: Pod | undefined; readonly grace: number },
  ): Promise<void> {
    this.#ending = allContainers(observed).flatMap(({ id, state }) => (state === 'running' ? [id] : []));
    try {
      // No long grace period holds up the end of the agent.
      await unlessAborted(stopPod(this.#context, observed, options), this.#stop);
    } finally {
      this.#ending = [];
    }
  }

  #remainingGrace({ metadata }: Pod): number {
    const end = Date.parse(metadata.deletionTimestamp ?? '');
    const remaining = Number.isNaN(end) ? 0 : Math.ceil((end - this.#context.clock.now()) / 1000);
    return Math.max(0, Math.min(remaining, metadata.deletionGracePeriodSeconds ?? remaining));
  }

  async #terminate(pod: Pod, observed: ObservedPod): Promise<Outcome> {
    await this.#end(observed, { pod, grace: this.#remainingGrace(pod) });
    const ended = await this.#observe();
    await this.#push(pod, ended, new Map());
    await removePod(this.#context, ended, this.uid);
    await this.#context.api.deletePod(pod);
    return { finished: true };
  }

  /** The object is gone: its containers have the time that their labels say. */
  async #clear(observed: ObservedPod): Promise<Outcome> {
    const graces = allContainers(observed).map(({ labels }) => Number(labels[gracePeriodLabel] ?? 30));
    const grace = Math.max(0, ...graces.filter(Number.isFinite));
    await this.#end(observed, { pod: undefined, grace });
    await removePod(this.#context, observed, this.uid);
    return { finished: true };
  }

  #watchExits(observed: ObservedPod): void {
    for (const { id, state } of [...allContainers(observed), ...observed.sandboxes]) {
      if (state !== 'running' || this.#watched.has(id)) continue;
      this.#watched.add(id);
      void this.#wakeAtExit(id);
    }
  }

  async #wakeAtExit(id: string): Promise<void> {
    try {
      await this.#context.runtime.containerExit(id, this.#stop);
    } catch (error) {
      this.#context.log(`pod ${this.uid}: ${messageOf(error)}`);
      await this.#context.clock.sleep(RETRY_AFTER_ERROR, this.#stop);
    }
    this.#watched.delete(id);
    this.#wake.abort();
  }

  /** Writes the status where it has changed. */
  async #push(
    pod: Pod,
    observed: ObservedPod,
    waiting: ReadonlyMap<string, ContainerStateWaiting>,
    failure?: typeof deadlineFailure,
  ): Promise<string | undefined> {
    const { clock, node, api } = this.#context;
    const { messages } = this.#memory;
    await readTerminationMessages(this.#context, { pod, observed, known: messages });
    const hostIP = node.address;
    const status = podStatus({ pod, observed, waiting, failure, messages, hostIP, now: clock.now() });
    if (isDeepStrictEqual(status, pod.status)) return status.phase;
    const written = await api.updatePodStatus(pod, status);
    // The watch may have brought a later state of the object meanwhile.
    if (written !== undefined && this.#pod === pod) this.#pod = written;
    return status.phase;
  }
}
