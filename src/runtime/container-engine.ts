import type { Snapshotter } from '../layers/snapshotter.ts';

/*
 * Containers without a daemon. One `ContainerEngine` value says where state lies and with what parts to run; each verb
 * is a function over it, in a file of its own:
 *
 *   createContainer(engine, request): Promise<Container>            startContainer(engine, id): Promise<Container>
 *   stopContainer(engine, id, {timeout?})                           killContainer(engine, id, {signal?})
 *   removeContainer(engine, id, {force?, volumes?})                 listContainers(engine), findContainer(engine, idOrName)
 *   readLogs(engine, id, {follow?, tail?, since?, signal?}): AsyncIterable<LogLine>
 *   execInContainer(engine, id, request): Promise<{exitCode}>       waitContainer(engine, id, {signal?}): Promise<number>
 *   attachContainer(engine, id, streams): Promise<void>             cleanupContainer(engine, id), sweepContainers(engine)
 *   createSandbox(engine, request), network address in Container.start.network
 */

export interface ContainerEngine {
  /** HAWSER_ROOT */
  readonly root: string;
  /** HAWSER_RUN */
  readonly run: string;
  readonly snapshotter: Snapshotter;
  /** Absolute path of the OCI runtime, e.g. `/usr/sbin/runc`. */
  readonly runtime: string;
  /**
   * argv of `hawser container cleanup`, to which the id is appended: conmon runs it when a container ends, so that
   * networks and `--rm` are seen to when no hawser runs.
   */
  readonly cleanupCommand: readonly string[];
  /** The environment of a hawser: HAWSER_ROOT and HAWSER_RUN are handed on to the cleanup. */
  readonly env: Readonly<Record<string, string | undefined>>;
}
