import { setMaxListeners } from 'node:events';
import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, systemErrorCode } from '../../errors/hawser-error.ts';
import type { AgentContext } from './agent-context.ts';
import type { PodChange } from './pod-api.ts';
import { podUIDLabel } from './pod-labels.ts';
import { podFolder } from './pod-volumes.ts';
import { PodWorker } from './pod-worker.ts';

export interface NodeAgent {
  /** Ends the looking after; the pods' containers run on, and the next agent adopts them. */
  close(): Promise<void>;
}

interface Agent {
  readonly context: AgentContext;
  readonly workers: Map<string, PodWorker>;
  readonly signal: AbortSignal;
}

async function forgetWhenDone(agent: Agent, worker: PodWorker): Promise<void> {
  await worker.done;
  if (agent.workers.get(worker.uid) === worker) agent.workers.delete(worker.uid);
}

function startWorker(
  agent: Agent,
  uid: string,
  pod: ConstructorParameters<typeof PodWorker>[2]['pod'],
): void {
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
    if (uid !== '' && !agent.workers.has(uid)) startWorker(agent, uid, undefined);
}

async function apply(agent: Agent, change: PodChange): Promise<void> {
  if (change.type === 'SYNCED') return clearOrphans(agent);
  const uid = change.pod.metadata.uid ?? '';
  const pod = change.type === 'DELETED' ? undefined : change.pod;
  const worker = agent.workers.get(uid);
  if (worker !== undefined) worker.update(pod);
  else if (pod !== undefined) startWorker(agent, uid, pod);
  return undefined;
}

/** Watches the pods of a node and runs them over the runtime of the context. */
export function startNodeAgent(context: AgentContext): NodeAgent {
  const stop = new AbortController();
  // Every pod and every container listens to it.
  setMaxListeners(0, stop.signal);
  const agent: Agent = { context, workers: new Map(), signal: stop.signal };
  const watching = (async () => {
    while (!stop.signal.aborted) {
      try {
        for await (const change of context.api.watchPods(stop.signal)) await apply(agent, change);
      } catch (error) {
        if (!stop.signal.aborted) context.log(`node agent: ${messageOf(error)}`);
      }
      // A watch that ended is begun anew: what it has missed comes with the list.
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
