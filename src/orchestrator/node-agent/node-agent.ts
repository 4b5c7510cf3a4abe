import { setMaxListeners } from 'node:events';
import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Pod } from '../../api/pod.ts';
import { messageOf, systemErrorCode } from '../../errors/hawser-error.ts';
import type { AgentContext } from './agent-context.ts';
import { podUIDLabel } from './pod-labels.ts';
import { isPodUID, podFolder } from './pod-volumes.ts';
import { PodWorker } from './pod-worker.ts';

export interface NodeAgent {
  /** Ends the looking after; the pods' containers run on, and the next agent adopts them. */
  close(): Promise<void>;
}

interface Agent {
  readonly context: AgentContext;
  readonly workers: Map<string, PodWorker>;
  /** Pods that were brought to their end and whose objects may still be told of: a uid never comes back. */
  readonly ended: Set<string>;
  readonly signal: AbortSignal;
}

async function forgetWhenDone(agent: Agent, worker: PodWorker): Promise<void> {
  await worker.done;
  agent.workers.delete(worker.uid);
  if (!worker.isGone) agent.ended.add(worker.uid);
}

function startWorker(agent: Agent, uid: string, pod: Pod | undefined): void {
  const worker = new PodWorker(agent.context, uid, { pod, signal: agent.signal });
  agent.workers.set(uid, worker);
  void forgetWhenDone(agent, worker);
}

async function foldersOf(root: string): Promise<readonly string[]> {
  try {
    return await readdir(dirname(podFolder(root, 'uid')));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Ends what is left of pods whose objects went while no agent was there. */
async function clearOrphans(agent: Agent): Promise<void> {
  const { runtime, root } = agent.context;
  const containers = await runtime.listContainers();
  const uids = [...containers.map(({ labels }) => labels[podUIDLabel] ?? ''), ...(await foldersOf(root))];
  for (const uid of new Set(uids))
    if (isPodUID(uid) && !agent.workers.has(uid)) startWorker(agent, uid, undefined);
}

/** What one watch tells, from its list on. */
async function follow(agent: Agent): Promise<void> {
  const listed = new Set<string>();
  for await (const change of agent.context.api.watchPods(agent.signal)) {
    if (change.type === 'SYNCED') {
      // What went while nobody watched is in no list.
      for (const [uid, worker] of agent.workers)
        if (!listed.has(uid) && !worker.isGone) worker.update(undefined);
      for (const uid of agent.ended) if (!listed.has(uid)) agent.ended.delete(uid);
      await clearOrphans(agent);
      continue;
    }
    const uid = change.pod.metadata.uid ?? '';
    listed.add(uid);
    const pod = change.type === 'DELETED' ? undefined : change.pod;
    const worker = agent.workers.get(uid);
    if (worker !== undefined) worker.update(pod);
    else if (pod === undefined) agent.ended.delete(uid);
    else if (!agent.ended.has(uid)) startWorker(agent, uid, pod);
  }
}

/** Watches the pods of a node and runs them over the runtime of the context. */
export function startNodeAgent(context: AgentContext): NodeAgent {
  const stop = new AbortController();
  // Every pod and every container listens to it.
  setMaxListeners(0, stop.signal);
  const agent: Agent = { context, workers: new Map(), ended: new Set(), signal: stop.signal };
  const watching = (async () => {
    while (!stop.signal.aborted) {
      try {
        await follow(agent);
      } catch (error) {
        if (!stop.signal.aborted) context.log(`node agent: ${messageOf(error)}`);
      }
      // A watch that ended is begun anew, with a list.
      await context.clock.sleep(1000, stop.signal);
    }
  })();
  return {
    async close() {
      stop.abort();
      await watching;
      await Promise.all([...agent.workers.values()].map(({ done }) => done));
    },
  };
}
