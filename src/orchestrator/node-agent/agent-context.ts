import type { Clock } from './clock.ts';
import type { PodApi } from './pod-api.ts';
import type { PodRuntime } from './pod-runtime.ts';

/** The node as its pods see it. */
export interface AgentNode {
  readonly name: string;
  /** Its address, which pods see as hostIP. */
  readonly address: string;
}

/** What every part of the agent works with. */
export interface AgentContext {
  readonly api: PodApi;
  readonly runtime: PodRuntime;
  readonly node: AgentNode;
  /** HAWSER_ROOT */
  readonly root: string;
  readonly clock: Clock;
  /** A line about what the API cannot tell. */
  readonly log: (message: string) => void;
}
