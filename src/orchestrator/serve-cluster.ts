import { hostname } from 'node:os';
import type { ApiContext } from './apiserver/api-context.ts';
import { EventRecorder } from './apiserver/event-recorder.ts';
import { servedResources } from './apiserver/resources/served-resources.ts';
import { startApiServer } from './apiserver/start-api-server.ts';
import { startNamespaceController } from './controllers/namespace-controller.ts';
import { makeSystemNamespaces } from './make-namespaces.ts';
import type { Clock } from './node-agent/clock.ts';
import { systemClock } from './node-agent/clock.ts';
import { startNodeAgent } from './node-agent/node-agent.ts';
import type { PodRuntime } from './node-agent/pod-runtime.ts';
import { nodeAddress, nodeNameOf, registerNode } from './node-agent/register-node.ts';
import { registryPodApi } from './node-agent/registry-pod-api.ts';
import { runtimeLogs } from './node-agent/runtime-logs.ts';
import { startScheduler } from './scheduler/scheduler.ts';
import type { ObjectStore } from './store/object-store.ts';

export interface ClusterOptions {
  /** HAWSER_ROOT: volumes of pods lie below `cluster/pods`. */
  readonly root: string;
  /** Closed with the cluster. */
  readonly store: ObjectStore;
  readonly runtime: PodRuntime;
  /** Default 127.0.0.1: the API asks nobody who he is. */
  readonly host?: string | undefined;
  /** 0 takes a free one. */
  readonly port: number;
  /** Default the host name of this machine. */
  readonly nodeName?: string | undefined;
  readonly clock?: Clock | undefined;
  /** Takes a line for each failure that no client is told of. */
  readonly log: (message: string) => void;
  /** Closes the cluster when it fires. */
  readonly signal?: AbortSignal | undefined;
}

export interface RunningCluster {
  /** e.g. `http://127.0.0.1:8080` */
  readonly url: string;
  readonly port: number;
  /** Ends the API and the looking after pods; their containers run on, and the next cluster adopts them. */
  close(): Promise<void>;
}

/** Starts, in order, what a cluster is made of. @returns what ends it, in the other order */
async function startParts(options: ClusterOptions) {
  const { root, store, runtime, log } = options;
  const clock = options.clock ?? systemClock;
  const context: ApiContext = { store, resources: servedResources, now: () => clock.now() };
  const events = new EventRecorder(context, log);
  const node = { name: nodeNameOf(options.nodeName ?? hostname()), address: nodeAddress() };
  await makeSystemNamespaces(context);
  await registerNode(context, node);
  const server = await startApiServer({
    context,
    logs: runtimeLogs(runtime),
    host: options.host ?? '127.0.0.1',
    port: options.port,
    log,
  });
  const namespaces = startNamespaceController(context, log);
  const scheduler = startScheduler({ context, events, log });
  const api = registryPodApi({ context, events, nodeName: node.name });
  const agent = startNodeAgent({ api, runtime, node, root, clock, log });
  return {
    server,
    async end() {
      await server.close();
      await agent.close();
      await scheduler.close();
      await namespaces.close();
      await events.drain();
    },
  };
}

/**
 * Serves the pod API and runs the pods of this machine: API server, scheduler, controllers and node agent in one process.
 *
 * @throws HawserError ADDRESS_IN_USE, PERMISSION_DENIED, INVALID_ARGUMENT; the store is closed then
 */
export async function serveCluster(options: ClusterOptions): Promise<RunningCluster> {
  const { store, signal } = options;
  let parts: Awaited<ReturnType<typeof startParts>>;
  try {
    parts = await startParts(options);
  } catch (error) {
    await store.close();
    throw error;
  }
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= parts.end().finally(() => store.close());
    return closing;
  };
  if (signal?.aborted === true) await close();
  else signal?.addEventListener('abort', () => void close(), { once: true });
  return { url: parts.server.url, port: parts.server.port, close };
}
