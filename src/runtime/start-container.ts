import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exitCodeOf } from '../errors/codes.ts';
import { HawserError, messageOf } from '../errors/hawser-error.ts';
import { fsOps, mountFlags } from '../layers/fs-ops.ts';
import { writeFileAtomic } from '../util/atomic-file.ts';
import { type Attachment, type AttachStreams, openAttachment } from './attach-container.ts';
import { releaseStart } from './cleanup-container.ts';
import { conmonCreate } from './conmon.ts';
import type { ContainerEngine } from './container-engine.ts';
import { namespacePlan, writeContainerSpec } from './container-spec.ts';
import { containerOf, type StartFailure, stateOf } from './container-state.ts';
import {
  bootID,
  bundleFolder,
  containerFolder,
  type RecordedStart,
  readRecord,
  snapshotKeyOf,
  withContainerLock,
} from './container-store.ts';
import type {
  Container,
  ContainerNetwork,
  ContainerRecord,
  ContainerRequest,
  PortMapping,
} from './container-types.ts';
import { connectToBridge, createNetworkNamespace } from './network/bridge-network.ts';
import { keepPorts, reservePorts } from './network/port-reservations.ts';
import { hostsFile, resolverConfiguration } from './resolver-files.ts';
import { wantsRestart } from './restart-policy.ts';
import { runtimeStart } from './runc.ts';

export interface StartOptions {
  /** By its restart policy: only where that still wants it. */
  readonly isRestart?: boolean;
  /** Joins these streams before the container runs; the result's `attached` ends with it. */
  readonly attach?: AttachStreams;
}

export interface StartedContainer extends Container {
  readonly attached?: Promise<void>;
}

export function hasOwnNetwork(record: ContainerRecord): boolean {
  const kind = record.request.network?.kind ?? 'bridge';
  return record.request.namespaces === undefined && kind === 'bridge';
}

/** Hostname, resolver and hosts of a container that joins none; the hosts are completed when the address is known. */
function writeResolverFiles(
  engine: ContainerEngine,
  record: ContainerRecord,
  address: string | undefined,
): void {
  const { request } = record;
  const bundle = bundleFolder(engine, record.id);
  const kind = request.network?.kind ?? 'bridge';
  const dns = { ownNetwork: kind === 'bridge', dns: request.dns };
  writeFileSync(join(bundle, 'resolv.conf'), kind === 'none' ? '' : resolverConfiguration(dns));
  writeFileSync(join(bundle, 'hostname'), `${record.hostname}\n`);
  const own = { hostname: record.hostname, address: address ?? '127.0.1.1' };
  writeFileSync(join(bundle, 'hosts'), request.hostsFile ?? hostsFile(request.extraHosts ?? [], own));
}

async function rootfsOf(engine: ContainerEngine, record: ContainerRecord): Promise<string> {
  if (record.kind === 'sandbox') return join(containerFolder(engine, record.id), 'rootfs');
  const snapshot = await engine.snapshotter.find(snapshotKeyOf(record.id));
  if (snapshot === undefined) {
    throw new HawserError('SNAPSHOT_UNKNOWN', `the writable layer of container ${record.name} is gone`, {
      remedy: `Remove it: hawser container rm ${record.name}.`,
    });
  }
  return snapshot.mount();
}

/** /dev/shm of a pod, which its containers share with the sandbox's IPC namespace. */
function mountSharedMemory(bundle: string, ipc: ContainerRequest['ipc']): void {
  const path = join(bundle, 'shm');
  mkdirSync(path, { recursive: true });
  if (ipc === 'host') {
    fsOps.mount('/dev/shm', path, { flags: mountFlags.bind });
    return;
  }
  fsOps.mount('shm', path, { type: 'tmpfs', flags: 2 | 4 | 8, data: 'mode=1777,size=65536k' });
}

interface Prepared {
  readonly created: Awaited<ReturnType<typeof conmonCreate>>;
  readonly network: ContainerNetwork | undefined;
}

/** Bundle, process and network; the latter two at once, since the process waits to be started. */
async function prepare(
  engine: ContainerEngine,
  record: ContainerRecord,
  options: StartOptions & { readonly ports: readonly PortMapping[] },
): Promise<Prepared> {
  const bundle = bundleFolder(engine, record.id);
  mkdirSync(bundle, { recursive: true, mode: 0o700 });
  const joins = record.request.namespaces !== undefined;
  if (!joins) writeResolverFiles(engine, record, undefined);
  if (record.kind === 'sandbox') mountSharedMemory(bundle, record.request.ipc);
  const namespace = join(bundle, 'netns');
  const ownNetwork = hasOwnNetwork(record);
  const [rootfs] = await Promise.all([
    rootfsOf(engine, record),
    ownNetwork ? createNetworkNamespace(namespace) : undefined,
  ]);
  const plan = namespacePlan(engine, record, ownNetwork ? namespace : undefined);
  writeContainerSpec(engine, record, { rootfs, plan });
  const [created, network] = await Promise.allSettled([
    conmonCreate(engine, record, options.attach === undefined ? {} : { exitDelay: 1 }),
    ownNetwork ? connectToBridge(record.id, { namespace, ports: options.ports }) : undefined,
  ]);
  if (network.status === 'rejected') throw network.reason;
  if (created.status === 'rejected') throw created.reason;
  if (network.value !== undefined) writeResolverFiles(engine, record, network.value.address);
  return { created: created.value, network: network.value };
}

async function startProcess(
  engine: ContainerEngine,
  record: ContainerRecord,
  options: StartOptions,
): Promise<Attachment | undefined> {
  const { id } = record;
  const ports = hasOwnNetwork(record) ? await reservePorts(id, record.request.ports ?? []) : [];
  const write = (start: Omit<RecordedStart, 'startedAt' | 'bootID' | 'ports'>) =>
    writeFileAtomic(
      join(containerFolder(engine, id), 'start.json'),
      JSON.stringify({ ...start, startedAt: new Date().toISOString(), bootID: bootID(), ports }),
      { durable: false },
    );
  const { created, network } = await prepare(engine, record, { ...options, ports });
  keepPorts(id, ports, created.process);
  const attachment = options.attach === undefined ? undefined : openAttachment(engine, id, options.attach);
  const { process, conmon } = created;
  const start = {
    process,
    ...(conmon === undefined ? {} : { conmon }),
    ...(network === undefined ? {} : { network }),
  };
  // Written before the container runs: one that ends at once has its start on record.
  await write(start);
  await runtimeStart(engine.runtime, id);
  return attachment;
}

/** Puts the failure on record and takes back what the start has made. */
async function recordFailure(
  engine: ContainerEngine,
  record: ContainerRecord,
  error: unknown,
): Promise<void> {
  const code = error instanceof HawserError ? (error.exitCode ?? exitCodeOf(error.code)) : 125;
  const failure: StartFailure = {
    exitCode: code === 126 || code === 127 ? code : 125,
    error: messageOf(error),
    finishedAt: new Date().toISOString(),
  };
  await releaseStart(engine, record);
  await writeFileAtomic(join(containerFolder(engine, record.id), 'failure.json'), JSON.stringify(failure), {
    durable: false,
  });
}

/**
 * Starts a container by its whole id; one that runs is left alone.
 *
 * @throws HawserError CONTAINER_UNKNOWN, REQUIREMENT_MISSING, ADDRESS_IN_USE, NETWORK_FAILED, RUNTIME_FAILED,
 * COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, MOUNT_FAILED, INVALID_ARGUMENT (user, mount source), CONFLICT (joined
 * container does not run)
 */
export function startContainer(
  engine: ContainerEngine,
  id: string,
  options: StartOptions = {},
): Promise<StartedContainer> {
  return withContainerLock(engine, id, async () => {
    const record = readRecord(engine, id);
    if (record === undefined) throw new HawserError('CONTAINER_UNKNOWN', `there is no container ${id}`);
    const state = stateOf(engine, id);
    if (state.status === 'running') return containerOf(engine, record);
    const { isRestart = false } = options;
    if (isRestart && !wantsRestart(engine, record)) return containerOf(engine, record);
    if (state.status === 'exited') await releaseStart(engine, record);
    const folder = containerFolder(engine, id);
    const ofLastStart = ['start.json', 'failure.json', 'conmon'];
    for (const left of isRestart ? ofLastStart : [...ofLastStart, 'stopped', 'restarts.json']) {
      rmSync(join(folder, left), { recursive: true, force: true });
    }
    try {
      const attachment = await startProcess(engine, record, options);
      const container = containerOf(engine, record);
      return attachment === undefined ? container : { ...container, attached: attachment.done };
    } catch (error) {
      await recordFailure(engine, record, error);
      throw error;
    }
  });
}
