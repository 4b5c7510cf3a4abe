import type { Pod, PodStatus } from '../../api/pod.ts';

/* What the node agent needs of the API server; `serve-cluster.ts` is it over the registry, tests have a fake. */

export type PodChange =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly pod: Pod }
  /** All that were there at the beginning have been given. */
  | { readonly type: 'SYNCED' };

export interface PodEvent {
  readonly pod: Pod;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  /** e.g. `spec.containers{nginx}` */
  readonly fieldPath?: string;
}

export interface PodApi {
  /** The pods of this node and then their changes, until the signal fires. */
  watchPods(signal: AbortSignal): AsyncIterable<PodChange>;
  /** @returns the pod as it is then; undefined where it is gone, or another has its name */
  updatePodStatus(pod: Pod, status: PodStatus): Promise<Pod | undefined>;
  /** Removes the object without a grace period; harmless where it is gone, or another has its name. */
  deletePod(pod: Pod): Promise<void>;
  /** Repeated ones raise the count of the first. */
  recordEvent(event: PodEvent): Promise<void>;
}
