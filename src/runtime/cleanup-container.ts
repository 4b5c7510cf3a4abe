import { existsSync, readFileSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../errors/hawser-error.ts';
import { fsOps } from '../layers/fs-ops.ts';
import { isRunning } from '../util/process-identity.ts';
import type { ContainerEngine } from './container-engine.ts';
import { stateOf } from './container-state.ts';
import {
  bundleFolder,
  containerFolder,
  exitFolder,
  readRecord,
  readStart,
  releaseName,
  snapshotKeyOf,
  withContainerLock,
} from './container-store.ts';
import type { ContainerRecord } from './container-types.ts';
import { disconnectFromBridge, removeNetworkNamespace } from './network/bridge-network.ts';
import { releasePorts } from './network/port-reservations.ts';
import { runtimeDelete } from './runc.ts';
import { removeVolume } from './volumes.ts';

async function releaseNetwork(engine: ContainerEngine, record: ContainerRecord): Promise<void> {
  const namespace = join(bundleFolder(engine, record.id), 'netns');
  const start = readStart(engine, record.id);
  const ports = start?.ports ?? record.request.ports ?? [];
  if (existsSync(namespace)) {
    await disconnectFromBridge(record.id, { namespace, ports, network: start?.network });
    removeNetworkNamespace(namespace);
  }
  releasePorts(record.id, ports);
}

/** proc(5) stat, field 5. */
function processGroup(pid: number | 'self'): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
}

/**
 * conmon, which leads a process group, and the child of it that waits to call the cleanup which is going on here. Not
 * where this is that very cleanup.
 */
function dismissConmon(engine: ContainerEngine, record: ContainerRecord): void {
  const conmon = readStart(engine, record.id)?.conmon;
  const ended = existsSync(join(exitFolder(engine, record.id), 'exit'));
  if (conmon === undefined || !ended || !isRunning(conmon)) return;
  try {
    if (processGroup('self') === conmon.pid || processGroup(conmon.pid) !== conmon.pid) return;
    process.kill(-conmon.pid, 'SIGKILL');
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== 'ENOENT' && code !== 'ESRCH') throw error; // it has just ended
  }
}

/**
 * Gives back what a start has taken: process, cgroup, network, ports, mounts and the bundle. The record and the writable
 * layer stay. The caller holds the container's lock; each part is harmless where there is nothing.
 */
export async function releaseStart(
  engine: ContainerEngine,
  record: ContainerRecord,
  options: { readonly discard?: boolean } = {},
): Promise<void> {
  const { id } = record;
  const bundle = bundleFolder(engine, id);
  const unmount = async () => {
    if (record.kind === 'sandbox') {
      if (existsSync(join(bundle, 'shm'))) fsOps.unmount(join(bundle, 'shm'));
      return;
    }
    const snapshot = await engine.snapshotter.find(snapshotKeyOf(id));
    if (options.discard === true) await snapshot?.discard();
    else await snapshot?.unmount();
  };
  if (existsSync(bundle)) {
    dismissConmon(engine, record);
    await Promise.all([runtimeDelete(engine.runtime, id), releaseNetwork(engine, record)]);
  }
  await unmount();
  rmSync(bundle, { recursive: true, force: true });
}

/** Removes what is left of a container: the record last, so that a crash in between leaves a container to remove. */
export async function discardContainer(
  engine: ContainerEngine,
  record: ContainerRecord,
  options: { readonly volumes: boolean },
): Promise<void> {
  await releaseStart(engine, record, { discard: true });
  for (const mount of record.mounts) {
    const given = record.request.mounts?.some(
      ({ target, type }) => type === 'volume' && target === mount.target,
    );
    const named = record.request.mounts?.some(
      wanted => wanted.type === 'volume' && wanted.target === mount.target && wanted.name !== undefined,
    );
    const anonymous = mount.type === 'volume' && (given !== true || named !== true);
    if (options.volumes && anonymous && mount.name !== undefined) removeVolume(engine, mount.name);
  }
  releaseName(engine, record.name, record.id);
  await rm(containerFolder(engine, record.id), { recursive: true, force: true });
  rmSync(join(engine.run, 'locks', `container-${record.id}`), { force: true });
}

/**
 * What conmon's exit command does, and whoever finds a container that has ended: gives back what it held, and removes it
 * where it was run with `--rm`. Does nothing while it runs, or where it is gone.
 */
export async function cleanupContainer(engine: ContainerEngine, id: string): Promise<void> {
  if (readRecord(engine, id) === undefined) return;
  await withContainerLock(engine, id, async () => {
    const record = readRecord(engine, id);
    if (record === undefined) return;
    const { status } = stateOf(engine, id);
    if (status === 'running' || status === 'created') return;
    if (record.request.autoRemove === true) await discardContainer(engine, record, { volumes: true });
    else await releaseStart(engine, record);
  });
}
