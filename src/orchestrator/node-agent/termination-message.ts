import { chmod, mkdir, open, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Container, Pod } from '../../api/pod.ts';
import { systemErrorCode } from '../../errors/hawser-error.ts';
import type { AgentContext } from './agent-context.ts';
import { allContainers, type ObservedPod } from './observed-pod.ts';
import { containerNameLabel, restartCountOf } from './pod-labels.ts';
import type { PodContainerRequest, RuntimeContainer } from './pod-runtime.ts';
import { podFolder } from './pod-volumes.ts';

/*
 * A container says why it ended in a file that is mounted at its terminationMessagePath:
 *   $HAWSER_ROOT/cluster/pods/<uid>/containers/<name>/<restart count>
 */

/** Bytes, as the kubelet counts them: of one container, of a whole pod, and of a log that stands for a message. */
const MESSAGE_LIMIT = 4096;
const POD_LIMIT = 12_288;
const LOG_LIMIT = 2048;
const LOG_LINES = 80;

interface Attempt {
  readonly uid: string;
  readonly name: string;
  readonly restartCount: number;
}

function pathOf(root: string, { uid, name, restartCount }: Attempt): string {
  return join(podFolder(root, uid), 'containers', name, String(restartCount));
}

/** Makes the file of an attempt. @returns its mount */
export async function terminationLogMount(
  root: string,
  attempt: Attempt,
  container: Container,
): Promise<PodContainerRequest['mounts'][number]> {
  const source = pathOf(root, attempt);
  await mkdir(dirname(source), { recursive: true });
  await writeFile(source, '');
  // Any user of the container may write, whatever the umask.
  await chmod(source, 0o666);
  return {
    source,
    target: container.terminationMessagePath ?? '/dev/termination-log',
    readOnly: false,
  };
}

export async function removeTerminationLog(root: string, attempt: Attempt): Promise<void> {
  await rm(pathOf(root, attempt), { force: true });
}

/** The last bytes of a file; empty where there is none. */
async function endOfFile(path: string, limit: number): Promise<string> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return '';
    throw error;
  }
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, limit);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function endOfLog({ runtime }: AgentContext, id: string, limit: number): Promise<string> {
  const { signal } = new AbortController();
  const chunks: Uint8Array[] = [];
  const log = runtime.logs(id, { follow: false, tail: LOG_LINES, timestamps: false, signal });
  for await (const chunk of log) chunks.push(chunk);
  return Buffer.concat(chunks).subarray(-limit).toString();
}

async function messageOf(context: AgentContext, pod: Pod, ended: RuntimeContainer): Promise<string> {
  const { spec, metadata } = pod;
  const all = [...spec.containers, ...(spec.initContainers ?? [])];
  const name = ended.labels[containerNameLabel] ?? '';
  const limit = Math.min(MESSAGE_LIMIT, Math.floor(POD_LIMIT / all.length));
  const attempt = { uid: metadata.uid ?? '', name, restartCount: restartCountOf(ended) };
  const message = await endOfFile(pathOf(context.root, attempt), limit);
  const policy = all.find(container => container.name === name)?.terminationMessagePolicy;
  if (message !== '' || policy !== 'FallbackToLogsOnError' || ended.exitCode === 0) return message;
  return endOfLog(context, ended.id, Math.min(limit, LOG_LIMIT));
}

/**
 * What the ended containers of a pod have said, by id.
 *
 * @param known those that have been read before, which is brought up to date: what has ended says no more
 */
export async function readTerminationMessages(
  context: AgentContext,
  input: { readonly pod: Pod; readonly observed: ObservedPod; readonly known: Map<string, string> },
): Promise<void> {
  const { pod, observed, known } = input;
  const ended = allContainers(observed).filter(({ state, lost }) => state === 'exited' && lost === undefined);
  const ids = new Set(ended.map(({ id }) => id));
  for (const id of known.keys()) if (!ids.has(id)) known.delete(id);
  for (const container of ended)
    if (!known.has(container.id)) known.set(container.id, await messageOf(context, pod, container));
}
