import type { LayoutStore } from '../../content/store.ts';
import { isHawserError } from '../../errors/hawser-error.ts';
import type { ContainerEngine } from '../../runtime/container-engine.ts';
import { readLogs } from '../../runtime/container-logs.ts';
import { listContainers } from '../../runtime/container-state.ts';
import { readRecord } from '../../runtime/container-store.ts';
import type { Container, ContainerRecord, ContainerRequest } from '../../runtime/container-types.ts';
import { createContainer } from '../../runtime/create-container.ts';
import type { LogLine } from '../../runtime/log-format.ts';
import { removeCgroup } from '../../runtime/remove-cgroup.ts';
import { removeContainer } from '../../runtime/remove-container.ts';
import { createSandbox } from '../../runtime/sandbox.ts';
import { startContainer } from '../../runtime/start-container.ts';
import { stopContainer } from '../../runtime/stop-container.ts';
import { waitContainer } from '../../runtime/wait-container.ts';
import { engineImages } from './engine-images.ts';
import {
  containerNameLabel,
  podNameLabel,
  podNamespaceLabel,
  podUIDLabel,
  restartCountLabel,
} from './pod-labels.ts';
import type {
  LogRequest,
  PodContainerRequest,
  PodRuntime,
  RuntimeContainer,
  SandboxRequest,
} from './pod-runtime.ts';

/** Milliseconds: ends are watched for, this is for those that a watch misses. */
const EXIT_POLL = 1000;

/** As the kubelet names them over Docker: `hawser ps` shows whose they are. */
function containerName(labels: Readonly<Record<string, string>>): string {
  const part = (label: string) => labels[label] ?? '';
  const name = labels[containerNameLabel] ?? 'POD';
  const pod = [podNameLabel, podNamespaceLabel, podUIDLabel, restartCountLabel].map(part);
  return ['k8s', name, ...pod].join('_');
}

function cgroupOf(labels: Readonly<Record<string, string>>): string {
  return `/hawser/pod-${labels[podUIDLabel] ?? ''}`;
}

async function runSandbox(engine: ContainerEngine, request: SandboxRequest): Promise<string> {
  const { labels } = request;
  const { record } = await createSandbox(engine, {
    name: containerName(labels),
    hostname: request.hostname,
    network: { kind: request.hostNetwork ? 'host' : 'bridge' },
    ipc: request.hostIPC ? 'host' : 'private',
    ports: request.ports,
    extraHosts: request.hostAliases,
    ...(request.dns === undefined ? {} : { dns: request.dns }),
    ...(request.sysctls === undefined ? {} : { sysctls: request.sysctls }),
    cgroupParent: cgroupOf(labels),
    labels,
  });
  try {
    await startContainer(engine, record.id);
  } catch (error) {
    await removeContainer(engine, record.id, { force: true });
    throw error;
  }
  return record.id;
}

function isGiven(words: readonly string[] | undefined): words is readonly string[] {
  return words !== undefined && words.length > 0;
}

function containerRequestOf(request: PodContainerRequest): Omit<ContainerRequest, 'image'> {
  const { labels, command, args, user, capabilities } = request;
  return {
    name: containerName(labels),
    ...(isGiven(command) ? { entrypoint: command } : {}),
    ...(isGiven(args) ? { args } : {}),
    env: request.env,
    ...(user === undefined ? {} : { user }),
    ...(request.additionalGroups === undefined ? {} : { additionalGroups: request.additionalGroups }),
    ...(request.workingDir === undefined ? {} : { workingDir: request.workingDir }),
    labels,
    tty: request.tty,
    stdin: request.stdin,
    namespaces: { id: request.sandboxID, pid: request.pid === 'pod' },
    pid: request.pid === 'host' ? 'host' : 'private',
    mounts: [
      ...request.mounts.map(mount => ({ type: 'bind' as const, ...mount })),
      ...request.tmpfs.map(mount => ({ type: 'tmpfs' as const, ...mount })),
    ],
    resources: request.resources,
    ...(request.readOnlyRootfs === true ? { readOnlyRootfs: true } : {}),
    ...(request.privileged === true ? { privileged: true } : {}),
    ...(request.noNewPrivileges === true ? { noNewPrivileges: true } : {}),
    ...(capabilities === undefined ? {} : { capabilities }),
    cgroupParent: cgroupOf(labels),
  };
}

/** Those that we gave: an image must not name itself part of a pod. */
function podLabelsOf({ request }: ContainerRecord): Readonly<Record<string, string>> {
  return request.labels ?? {};
}

function runtimeContainer({ record, state, start }: Container): RuntimeContainer {
  const { status, startedAt, finishedAt, exitCode, oomKilled, error } = state;
  const address = start?.network?.address;
  return {
    id: record.id,
    kind: record.kind,
    state: status === 'dead' ? 'exited' : status,
    labels: podLabelsOf(record),
    image: record.image.name,
    imageID: record.image.id,
    createdAt: record.created,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(oomKilled === undefined ? {} : { oomKilled }),
    ...(error === undefined ? {} : { error }),
    ...(address === undefined ? {} : { address }),
  };
}

/** A sandbox is the last of its pod to go: the pod's cgroup goes with it. */
async function removeFromPod(engine: ContainerEngine, id: string): Promise<void> {
  const record = readRecord(engine, id);
  if (record === undefined) return;
  await removeContainer(engine, id, { force: true, volumes: true });
  if (record.kind === 'sandbox') removeCgroup(cgroupOf(podLabelsOf(record)));
}

/** What is gone has ended. */
async function unlessGone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isHawserError(error, 'CONTAINER_UNKNOWN')) throw error;
  }
}

async function containerExit(engine: ContainerEngine, id: string, signal: AbortSignal): Promise<void> {
  try {
    await unlessGone(waitContainer(engine, id, { signal, poll: EXIT_POLL }));
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function logBytes(line: LogLine, withTime: boolean): Uint8Array {
  if (!withTime) return line.content;
  const time = line.time.replace(/[+-]00:?00$/, 'Z');
  return Buffer.concat([Buffer.from(`${time} `), line.content]);
}

async function* logs(engine: ContainerEngine, id: string, request: LogRequest): AsyncGenerator<Uint8Array> {
  const { follow, tail, since, signal, timestamps } = request;
  const lines = readLogs(engine, id, {
    follow,
    ...(tail === undefined ? {} : { tail }),
    ...(since === undefined ? {} : { since }),
    signal,
  });
  // A long line comes in parts, of which only the first tells the time.
  let begins = true;
  for await (const line of lines) {
    yield logBytes(line, timestamps && begins);
    begins = !line.partial;
  }
}

/** Pods over hawser's own containers and images. */
export function enginePodRuntime(engine: ContainerEngine, store: LayoutStore): PodRuntime {
  const images = engineImages(store, engine.snapshotter);
  return {
    imageStatus: images.imageStatus,
    pullImage: images.pullImage,
    runSandbox: request => runSandbox(engine, request),
    async createContainer(request) {
      const { record } = await images.useImage(request.image, image =>
        createContainer(engine, { ...containerRequestOf(request), image }),
      );
      return record.id;
    },
    async startContainer(id) {
      await startContainer(engine, id);
    },
    stopContainer: (id, { grace }) => unlessGone(stopContainer(engine, id, { timeout: grace })),
    removeContainer: id => removeFromPod(engine, id),
    async listContainers() {
      return listContainers(engine)
        .filter(({ record }) => podLabelsOf(record)[podUIDLabel] !== undefined)
        .map(runtimeContainer);
    },
    containerExit: (id, signal) => containerExit(engine, id, signal),
    logs: (id, request) => logs(engine, id, request),
  };
}
