import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HawserError } from '../errors/hawser-error.ts';
import type { ContainerEngine } from './container-engine.ts';
import { startIsRunning } from './container-state.ts';
import { bundleFolder, readRecord, readStart } from './container-store.ts';
import type { ContainerMount, ContainerRecord, ContainerResources } from './container-types.ts';
import { hostDevices } from './host-devices.ts';
import { containerCapabilities, hostCapabilities } from './oci/capabilities.ts';
import type { OciMount, OciNamespace, OciResources } from './oci/oci-types.ts';
import { ociSpec, processEnvironment } from './oci-spec.ts';
import { resolveInRootfs } from './rootfs-path.ts';
import { resolveUser } from './users.ts';
import { populateVolume, volumeData } from './volumes.ts';

/** Where a container gets a namespace from: its own bundle, another container, or the host. */
export interface NamespacePlan {
  readonly namespaces: readonly OciNamespace[];
  /** The container whose resolver files and /dev/shm are used; itself unless it joins. */
  readonly filesOf: string;
  readonly joinsUts: boolean;
  readonly joinsIpc: boolean;
}

function processOf(engine: ContainerEngine, id: string): number {
  const start = readStart(engine, id);
  if (start !== undefined && startIsRunning(start)) return start.process.pid;
  throw new HawserError(
    'CONFLICT',
    `container ${id.slice(0, 12)}, whose namespaces are to be joined, does not run`,
    {
      remedy: 'Start it first.',
      exitCode: 125,
    },
  );
}

/** Whether the container uses the host's network, by itself or by what it joins. */
function onHostNetwork(engine: ContainerEngine, id: string): boolean {
  const request = readRecord(engine, id)?.request;
  if (request?.namespaces !== undefined) return onHostNetwork(engine, request.namespaces.id);
  if (request?.network?.kind === 'container') return onHostNetwork(engine, request.network.id);
  return request?.network?.kind === 'host';
}

/** @param networkPath the namespace made for this container, where it has one of its own */
export function namespacePlan(
  engine: ContainerEngine,
  record: ContainerRecord,
  networkPath: string | undefined,
): NamespacePlan {
  const { request } = record;
  const pid: OciNamespace[] = request.pid === 'host' ? [] : [{ type: 'pid' }];
  const joined = request.namespaces;
  if (joined !== undefined) {
    const process = processOf(engine, joined.id);
    const path = (name: string) => `/proc/${process}/ns/${name}`;
    const network: OciNamespace[] = onHostNetwork(engine, joined.id)
      ? []
      : [{ type: 'network', path: path('net') }];
    return {
      namespaces: [
        ...(joined.pid === true ? [{ type: 'pid' as const, path: path('pid') }] : pid),
        ...network,
        { type: 'ipc', path: path('ipc') },
        { type: 'uts', path: path('uts') },
        { type: 'cgroup' },
      ],
      filesOf: joined.id,
      joinsUts: true,
      joinsIpc: true,
    };
  }
  const ipc: OciNamespace[] = request.ipc === 'host' ? [] : [{ type: 'ipc' }];
  const own: OciNamespace[] = [...pid, ...ipc, { type: 'uts' }, { type: 'cgroup' }];
  const plan = { filesOf: record.id, joinsUts: false, joinsIpc: false };
  const mode = request.network ?? { kind: 'bridge' };
  if (mode.kind === 'host') return { ...plan, namespaces: own };
  if (mode.kind === 'container') {
    const process = processOf(engine, mode.id);
    const network: OciNamespace[] = onHostNetwork(engine, mode.id)
      ? []
      : [{ type: 'network', path: `/proc/${process}/ns/net` }];
    return { ...plan, namespaces: [...own, ...network], filesOf: mode.id };
  }
  const network: OciNamespace =
    networkPath === undefined ? { type: 'network' } : { type: 'network', path: networkPath };
  return { ...plan, namespaces: [...own, network] };
}

/** CPU period in microseconds, as Docker's --cpus counts. */
const CPU_PERIOD = 100_000;

function resourcesOf(resources: ContainerResources | undefined): Omit<OciResources, 'devices'> {
  if (resources === undefined) return {};
  const { memory, cpus, cpuShares, pids } = resources;
  const quota = cpus === undefined ? {} : { quota: Math.round(cpus * CPU_PERIOD), period: CPU_PERIOD };
  const shares = cpuShares === undefined ? {} : { shares: cpuShares };
  return {
    ...(memory === undefined ? {} : { memory: { limit: memory } }),
    ...(cpus === undefined && cpuShares === undefined ? {} : { cpu: { ...shares, ...quota } }),
    ...(pids === undefined ? {} : { pids: { limit: pids } }),
  };
}

function ociMount(engine: ContainerEngine, mount: ContainerMount, rootfs: string): OciMount {
  const access = mount.readOnly === true ? 'ro' : 'rw';
  if (mount.type === 'tmpfs') {
    const size = mount.size === undefined ? [] : [`size=${mount.size}`];
    const mode = `mode=${(mount.mode ?? 0o1777).toString(8)}`;
    const options = ['nosuid', 'nodev', mode, ...size, access];
    return { destination: mount.target, type: 'tmpfs', source: 'tmpfs', options };
  }
  let source: string;
  if (mount.type === 'volume') {
    const name = mount.name ?? '';
    populateVolume(engine, name, { rootfs, target: mount.target });
    source = volumeData(engine, name);
  } else {
    ({ source } = mount);
    if (!existsSync(source)) {
      if (mount.mustExist === true) {
        throw new HawserError(
          'INVALID_ARGUMENT',
          `the source ${JSON.stringify(source)} of a mount does not exist`,
          {
            remedy: 'Make it, or use -v, which makes a folder.',
            exitCode: 125,
          },
        );
      }
      mkdirSync(source, { recursive: true });
    }
  }
  return { destination: mount.target, type: 'bind', source, options: ['rbind', 'rprivate', access] };
}

function bind(source: string, destination: string): OciMount {
  return { destination, type: 'bind', source, options: ['rbind', 'rprivate', 'rw'] };
}

/** A target inside another must be mounted after it. */
function parentsFirst(mounts: readonly ContainerMount[]): readonly ContainerMount[] {
  const depth = (path: string) => path.split('/').filter(part => part !== '').length;
  return mounts.toSorted((a, b) => depth(a.target) - depth(b.target));
}

/** Makes the working folder where the image lacks it, as Docker does. */
function ensureWorkingDir(rootfs: string, record: ContainerRecord, mounts: readonly OciMount[]): void {
  const inMount = mounts.some(({ destination }) => `${record.workingDir}/`.startsWith(`${destination}/`));
  if (!inMount) mkdirSync(resolveInRootfs(rootfs, record.workingDir), { recursive: true });
}

/** Writes config.json of a container's bundle. The resolver files of `plan.filesOf` are there already. */
export function writeContainerSpec(
  engine: ContainerEngine,
  record: ContainerRecord,
  context: { readonly rootfs: string; readonly plan: NamespacePlan },
): void {
  const { request } = record;
  const { rootfs, plan } = context;
  const sandbox = record.kind === 'sandbox';
  const files = bundleFolder(engine, plan.filesOf);
  const targets = new Set(record.mounts.map(({ target }) => target));
  const generated = ['resolv.conf', 'hostname', 'hosts']
    .map(name => ({ source: join(files, name), target: `/etc/${name}` }))
    .filter(({ source, target }) => !sandbox && !targets.has(target) && existsSync(source))
    .map(({ source, target }) => bind(source, target));
  const mounts = [...generated, ...parentsFirst(record.mounts).map(mount => ociMount(engine, mount, rootfs))];
  if (!sandbox && request.readOnlyRootfs !== true) ensureWorkingDir(rootfs, record, mounts);
  const found = resolveUser(rootfs, record.user);
  const additionalGids = [...new Set([...found.additionalGids, ...(request.additionalGroups ?? [])])];
  const shm = join(files, 'shm');
  const hostname = plan.joinsUts ? {} : { hostname: record.hostname };
  const environment = { home: found.home, hostname: record.hostname, terminal: request.tty === true };
  const spec = ociSpec({
    rootfs,
    args: record.args,
    env: processEnvironment(record.env, environment),
    cwd: record.workingDir,
    user: { ...found, additionalGids },
    capabilities: containerCapabilities(hostCapabilities(), {
      ...request.capabilities,
      privileged: request.privileged === true,
    }),
    namespaces: plan.namespaces,
    mounts,
    ...hostname,
    terminal: request.tty === true,
    readOnlyRootfs: request.readOnlyRootfs === true || sandbox,
    privileged: request.privileged === true,
    noNewPrivileges: request.noNewPrivileges === true,
    cgroupsPath: join(request.cgroupParent ?? '/hawser', record.id),
    resources: resourcesOf(request.resources),
    ...(request.sysctls === undefined ? {} : { sysctls: request.sysctls }),
    ...(request.privileged === true ? { devices: hostDevices() } : {}),
    ...((sandbox || plan.joinsIpc) && existsSync(shm) ? { shmPath: shm } : {}),
  });
  writeFileSync(join(bundleFolder(engine, record.id), 'config.json'), JSON.stringify(spec));
}
