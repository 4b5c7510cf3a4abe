import { mkdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerEngine } from './container-engine.ts';
import { checkContainerName, newContainerID } from './container-names.ts';
import { containerOf } from './container-state.ts';
import { claimContainer, containerFolder, releaseName, writeRecord } from './container-store.ts';
import type { Container, ContainerRecord, ContainerRequest, NetworkMode } from './container-types.ts';
import { pauseProgram } from './pause.ts';

export interface SandboxRequest
  extends Pick<
    ContainerRequest,
    'ports' | 'ipc' | 'extraHosts' | 'dns' | 'hostsFile' | 'sysctls' | 'cgroupParent' | 'labels'
  > {
  readonly name?: string;
  readonly hostname: string;
  /** bridge, host or none. */
  readonly network: Exclude<NetworkMode, { readonly kind: 'container' }>;
}

/**
 * Makes the sandbox of a pod: a container of kind `sandbox` that runs only the pause program and holds the namespaces
 * (and host ports, hosts files, /dev/shm) that the pod's containers join by `namespaces: {id}`. It is started, stopped
 * and removed as any container.
 */
export async function createSandbox(engine: ContainerEngine, request: SandboxRequest): Promise<Container> {
  const { name: wanted, ...rest } = request;
  const id = newContainerID();
  const name = await claimContainer(
    engine,
    id,
    wanted === undefined ? undefined : checkContainerName(wanted),
  );
  try {
    const rootfs = join(containerFolder(engine, id), 'rootfs');
    for (const folder of ['dev', 'proc', 'sys']) mkdirSync(join(rootfs, folder), { recursive: true });
    writeFileSync(join(rootfs, 'pause'), pauseProgram(process.arch), { mode: 0o755 });
    const record: ContainerRecord = {
      version: 1,
      id,
      name,
      kind: 'sandbox',
      created: new Date().toISOString(),
      image: { name: 'hawser/pause', id: '' },
      args: ['/pause'],
      env: [],
      labels: request.labels ?? {},
      request: rest,
      user: '65535:65535',
      workingDir: '/',
      stopSignal: 15,
      hostname: request.hostname,
      mounts: [],
    };
    await writeRecord(engine, record);
    return containerOf(engine, record);
  } catch (error) {
    await rm(containerFolder(engine, id), { recursive: true, force: true });
    releaseName(engine, name, id);
    throw error;
  }
}
