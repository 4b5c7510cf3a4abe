import { join } from 'node:path';
import type { Snapshotter } from '../layers/snapshotter.ts';
import { requireRuntime } from './choose-runtime.ts';
import type { OciRuntime } from './runc.ts';

/*
 * Containers without a daemon. One `ContainerEngine` value says where state lies and with what parts to run; each verb is
 * a function over it, in a file of its own: create-container, start-container, stop-container, remove-container,
 * cleanup-container, exec-container, attach-container, wait-container, container-logs, inspect-container, sandbox.
 * Those that look things up are in container-state (`findContainer`, `listContainers`). The verbs take whole ids.
 */

export interface ContainerEngine {
  /** HAWSER_ROOT */
  readonly root: string;
  /** HAWSER_RUN */
  readonly run: string;
  readonly snapshotter: Snapshotter;
  readonly runtime: OciRuntime;
  /**
   * argv of `hawser container cleanup`, to which the id is appended: conmon runs it when a container ends, so that
   * networks and `--rm` are seen to when no hawser runs.
   */
  readonly cleanupCommand: readonly string[];
}

export interface OpenEngineOptions {
  readonly root: string;
  readonly run: string;
  readonly snapshotter: Snapshotter;
  readonly cleanupCommand: readonly string[];
  /** HAWSER_RUNTIME, PATH */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** @throws HawserError REQUIREMENT_MISSING, RUNTIME_FAILED where no OCI runtime works */
export async function openContainerEngine(options: OpenEngineOptions): Promise<ContainerEngine> {
  const { env, ...parts } = options;
  const path = await requireRuntime({ run: options.run, env });
  return { ...parts, runtime: { path, root: join(options.run, 'runc') } };
}
