import type { ContainerStateWaiting } from '../../api/pod.ts';
import { Backoff } from './backoff.ts';

const SECOND = 1000;

export interface BlockedStart {
  /** Milliseconds since 1970. */
  readonly until: number;
  readonly waiting: ContainerStateWaiting;
  /** With another image there is nothing to wait for. */
  readonly image?: string;
}

/** What the agent keeps of a pod between two looks; all of it may be lost. */
export interface PodMemory {
  /** By `crashKey`. */
  readonly crashes: Backoff;
  /** By image. */
  readonly pulls: Backoff;
  readonly pullFailures: Map<string, number>;
  /** Of starts that did not come to a container, by name; '' is the sandbox. */
  readonly failures: Backoff;
  /** Until when such a start waits, and how it is shown. */
  readonly blocked: Map<string, BlockedStart>;
  /** What ended containers have said, by id. */
  readonly messages: Map<string, string>;
}

export function newPodMemory(): PodMemory {
  return {
    crashes: new Backoff(10 * SECOND, 300 * SECOND),
    pulls: new Backoff(10 * SECOND, 300 * SECOND),
    pullFailures: new Map(),
    failures: new Backoff(2 * SECOND, 60 * SECOND),
    blocked: new Map(),
    messages: new Map(),
  };
}
