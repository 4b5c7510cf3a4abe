import { rm } from 'node:fs/promises';
import { HawserError } from '../errors/hawser-error.ts';
import type { ContainerConfig } from '../image/config.ts';
import type { ActiveSnapshot } from '../layers/snapshotter.ts';
import type { ContainerEngine } from './container-engine.ts';
import { checkContainerName, newContainerID } from './container-names.ts';
import { containerOf } from './container-state.ts';
import {
  claimContainer,
  containerFolder,
  readRecord,
  releaseName,
  snapshotKeyOf,
  writeRecord,
} from './container-store.ts';
import type { Container, ContainerMount, ContainerRecord, ContainerRequest } from './container-types.ts';
import { parseSignal } from './signals.ts';
import { ensureVolume, newVolumeName } from './volumes.ts';

/** Entry point and arguments as Docker puts them together: a new entry point drops the image's CMD. */
export function commandOf(
  config: Pick<ContainerConfig, 'Entrypoint' | 'Cmd'>,
  request: Pick<ContainerRequest, 'entrypoint' | 'args'>,
): readonly string[] {
  const entrypoint = request.entrypoint ?? config.Entrypoint ?? [];
  const given = request.args !== undefined && request.args.length > 0 ? request.args : undefined;
  const args = given ?? (request.entrypoint === undefined ? (config.Cmd ?? []) : []);
  return [...entrypoint, ...args];
}

/** The image's variables, those of the request over them; each name once. */
export function mergeEnvironment(base: readonly string[], over: readonly string[]): readonly string[] {
  const values = new Map<string, string>();
  for (const entry of [...base, ...over]) {
    const cut = entry.indexOf('=');
    values.set(cut < 0 ? entry : entry.slice(0, cut), entry);
  }
  return [...values.values()].filter(entry => entry.includes('='));
}

/** Mounts of the request, and an anonymous volume for each VOLUME of the image that none of them covers. */
async function mountsOf(engine: ContainerEngine, config: ContainerConfig, request: ContainerRequest) {
  const given = request.mounts ?? [];
  const covered = new Set(given.map(mount => mount.target.replace(/\/+$/, '')));
  const declared: ContainerMount[] = Object.keys(config.Volumes ?? {})
    .filter(target => target.startsWith('/') && !covered.has(target.replace(/\/+$/, '')))
    .map(target => ({ type: 'volume', target }));
  const mounts: ContainerMount[] = [];
  for (const mount of [...given, ...declared]) {
    if (mount.type !== 'volume') {
      mounts.push(mount);
      continue;
    }
    const name = mount.name ?? newVolumeName();
    await ensureVolume(engine, name, { anonymous: mount.name === undefined });
    mounts.push({ ...mount, name });
  }
  return mounts;
}

/** A pod's members have the name of its sandbox. */
function hostnameOf(engine: ContainerEngine, id: string, request: ContainerRequest): string {
  const joined = request.namespaces === undefined ? undefined : readRecord(engine, request.namespaces.id);
  return request.hostname ?? joined?.hostname ?? id.slice(0, 12);
}

function workingDirOf(config: ContainerConfig, request: ContainerRequest): string {
  const folder = request.workingDir ?? config.WorkingDir ?? '/';
  if (folder === '') return '/';
  // CVE-2024-21626: a working folder by way of a file descriptor would be the host's.
  if (!folder.startsWith('/') || /^\/proc\/(self|\d+)\/(fd|cwd|root)(\/|$)/.test(folder)) {
    throw new HawserError('INVALID_ARGUMENT', `the working folder ${JSON.stringify(folder)} is not allowed`, {
      remedy: 'Give an absolute path outside /proc.',
      exitCode: 125,
    });
  }
  return folder;
}

/**
 * Makes a container and its writable layer; nothing runs yet. What a crash leaves in between has no record, and
 * `sweepContainers` removes it.
 *
 * @throws HawserError ALREADY_EXISTS (name), INVALID_ARGUMENT, SNAPSHOT_UNKNOWN
 */
export async function createContainer(
  engine: ContainerEngine,
  request: ContainerRequest,
): Promise<Container> {
  const { image, ...rest } = request;
  const config = image.config.config ?? {};
  const args = commandOf(config, request);
  if (args.length === 0 || args[0] === '') {
    throw new HawserError('INVALID_ARGUMENT', `image ${image.name} names no command`, {
      remedy: 'Give one after the image.',
      exitCode: 125,
    });
  }
  const workingDir = workingDirOf(config, request);
  const stopSignal = parseSignal(request.stopSignal ?? config.StopSignal ?? 'SIGTERM');
  const id = newContainerID();
  const name = await claimContainer(
    engine,
    id,
    rest.name === undefined ? undefined : checkContainerName(rest.name),
  );
  let layer: ActiveSnapshot | undefined;
  try {
    layer = await engine.snapshotter.prepare(snapshotKeyOf(id), image.chainID, { owner: `container:${id}` });
    const record: ContainerRecord = {
      version: 1,
      id,
      name,
      kind: 'container',
      created: new Date().toISOString(),
      image: { name: image.name, id: image.id },
      args,
      env: mergeEnvironment(config.Env ?? [], request.env ?? []),
      labels: { ...config.Labels, ...request.labels },
      request: rest,
      user: request.user ?? config.User ?? '',
      workingDir,
      stopSignal,
      hostname: hostnameOf(engine, id, request),
      mounts: await mountsOf(engine, config, request),
    };
    await writeRecord(engine, record);
    return containerOf(engine, record);
  } catch (error) {
    await layer?.discard();
    await rm(containerFolder(engine, id), { recursive: true, force: true });
    releaseName(engine, name, id);
    throw error;
  }
}
