import type { Pod, PodStatus } from '../../../src/api/pod.ts';
import type { PodApi, PodChange, PodEvent } from '../../../src/orchestrator/node-agent/pod-api.ts';

/** Pods by uid, with the watch of one agent. */
export class FakeApi implements PodApi {
  readonly pods = new Map<string, Pod>();
  readonly events: PodEvent[] = [];
  /** Objects that the agent has removed, as they were. */
  readonly deleted: Pod[] = [];
  eventFailure: Error | undefined;
  /** Status writes. */
  writes = 0;
  #revision = 0;
  #queues: ((change: PodChange | Error) => void)[] = [];
  #held: PodChange[] | undefined;

  put(pod: Pod): Pod {
    const uid = pod.metadata.uid ?? '';
    const old = this.pods.get(uid);
    const next: Pod = { ...pod, metadata: { ...pod.metadata, resourceVersion: String(++this.#revision) } };
    this.pods.set(uid, next);
    this.#send({ type: old === undefined ? 'ADDED' : 'MODIFIED', pod: next });
    return next;
  }

  remove(uid: string): void {
    const pod = this.pods.get(uid);
    this.pods.delete(uid);
    if (pod !== undefined) this.#send({ type: 'DELETED', pod });
  }

  get(uid: string): Pod {
    const pod = this.pods.get(uid);
    if (pod === undefined) throw new Error(`no pod ${uid}`);
    return pod;
  }

  reasons(): readonly string[] {
    return this.events.map(({ reason }) => reason);
  }

  /** The watch lags: nothing is told until `release`. */
  hold(): void {
    this.#held = [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const change of held) this.#send(change);
  }

  /** Ends the watch with an error; what is held is never told. */
  breakWatch(error: Error): void {
    this.#held = undefined;
    for (const queue of this.#queues) queue(error);
    this.#queues = [];
  }

  #send(change: PodChange): void {
    if (this.#held === undefined) for (const queue of this.#queues) queue(change);
    else this.#held.push(change);
  }

  async *watchPods(signal: AbortSignal): AsyncGenerator<PodChange> {
    const waiting: (PodChange | Error)[] = [...this.pods.values()].map(pod => ({
      type: 'ADDED' as const,
      pod,
    }));
    waiting.push({ type: 'SYNCED' });
    let wake = () => {};
    const queue = (change: PodChange | Error) => {
      waiting.push(change);
      wake();
    };
    this.#queues.push(queue);
    signal.addEventListener('abort', () => wake(), { once: true });
    while (!signal.aborted) {
      const change = waiting.shift();
      if (change === undefined) {
        await new Promise<void>(resolve => {
          wake = resolve;
        });
      } else if (change instanceof Error) throw change;
      else yield change;
    }
    this.#queues = this.#queues.filter(other => other !== queue);
  }

  updatePodStatus(pod: Pod, status: PodStatus): Promise<Pod | undefined> {
    const old = this.pods.get(pod.metadata.uid ?? '');
    if (old === undefined) return Promise.resolve(undefined);
    this.writes++;
    return Promise.resolve(this.put({ ...old, status }));
  }

  deletePod(pod: Pod): Promise<void> {
    const uid = pod.metadata.uid ?? '';
    this.deleted.push(this.pods.get(uid) ?? pod);
    this.remove(uid);
    return Promise.resolve();
  }

  recordEvent(event: PodEvent): Promise<void> {
    if (this.eventFailure !== undefined) return Promise.reject(this.eventFailure);
    this.events.push(event);
    return Promise.resolve();
  }
}
